// vmpower-guest freq: the frequencies the host has set for this VM's vCPUs.

import * as v from "valibot";
import { cpuList, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { PLACE_ARGS } from "./channel.ts";
import { list } from "./listing.ts";

export default defineCommand({
  meta: {
    name: "freq",
    summary: "show the frequency of vCPUs in kHz, as the host tells it",
    details:
      "The host must allow this VM to query (powermon run --allow-query VM), else it stays silent: status 4.\n" +
      'JSON: {"port", "outcome", "message", "vmVcpus", "vcpus": [{"vcpu", "khz", "outcome", "message"}]}; khz is null where the host does not know it.',
    examples: ["vmpower-guest freq", "vmpower-guest freq --vcpu 0,2 --json"],
  },
  args: {
    vcpu: { type: "string", valueHint: "list|all", default: "all", description: "vCPUs to show" },
    ...PLACE_ARGS,
  },
  run: ({ args, io }) =>
    list(
      {
        question: "query-freq",
        headings: ["KHZ"],
        cells: (khz) => [khz === 0 ? "unknown" : String(khz)],
        keys: (khz) => ({ khz: khz === 0 ? null : khz }),
      },
      parseArgs(v.object({ vcpu: cpuList }), args).vcpu,
      args,
      io,
    ),
});
