// vmpower-guest release: gives claims up, so that the clocks go back to what they were.

import * as v from "valibot";
import { cpuNumbers, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { PLACE_ARGS } from "./channel.ts";
import { tellRows, withPlace } from "./with-place.ts";

export default defineCommand({
  meta: {
    name: "release",
    summary: "give up what scale claimed, so that clocks go back to what they were",
    details:
      "Through a host it needs powermon: DPDK's packets have no word for it (status 4). Through an agent it ends the claims of earlier\n" +
      'commands; with --env cpufreq it puts governor and limits back. JSON: {"vcpus": [{"vcpu", "port", "outcome", "message"}]}.',
    examples: ["vmpower-guest release --vcpu 0-3"],
  },
  args: {
    vcpu: { type: "string", valueHint: "list", required: true, description: "vCPUs, such as 1,3,5-7" },
    ...PLACE_ARGS,
  },
  async run({ args, io }) {
    const { vcpu: vcpus } = parseArgs(v.object({ vcpu: cpuNumbers }), args);
    return await withPlace(args, io, async (place) =>
      tellRows(await place.release(vcpus), { json: args.json, done: "released" }, io),
    );
  },
});
