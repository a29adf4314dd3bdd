// vmpower-guest caps: what the physical CPUs under this VM's vCPUs can do.

import * as v from "valibot";
import { cpuList, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { PLACE_ARGS } from "./channel.ts";
import { list } from "./listing.ts";

export default defineCommand({
  meta: {
    name: "caps",
    summary: "show whether vCPUs can use turbo and have a higher base frequency than others",
    details:
      "The host must allow this VM to query (powermon run --allow-query VM), else it stays silent: status 4.\n" +
      'JSON: {"port", "outcome", "message", "vmVcpus", "vcpus": [{"vcpu", "turbo", "priority", "outcome", "message"}]}.',
    examples: ["vmpower-guest caps", "vmpower-guest caps --vcpu 0"],
  },
  args: {
    vcpu: { type: "string", valueHint: "list|all", default: "all", description: "vCPUs to show" },
    ...PLACE_ARGS,
  },
  run: ({ args, io }) =>
    list(
      {
        question: "query-caps",
        headings: ["TURBO", "PRIORITY"],
        cells: ({ turbo, priority }) => [yesNo(turbo), yesNo(priority)],
        keys: (caps) => caps,
      },
      parseArgs(v.object({ vcpu: cpuList }), args).vcpu,
      args,
      io,
    ),
});

function yesNo(yes: boolean): string {
  return yes ? "yes" : "no";
}
