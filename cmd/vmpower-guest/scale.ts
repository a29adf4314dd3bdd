// vmpower-guest scale: moves the clock of this VM's vCPUs.

import * as v from "valibot";
import { cpuNumbers, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STEPS } from "../../internal/values/frequency.ts";
import { PLACE_ARGS } from "./channel.ts";
import { tellRows, withPlace } from "./with-place.ts";

export default defineCommand({
  meta: {
    name: "scale",
    summary: "move the clock of vCPUs one step, to an end, or in and out of turbo",
    details:
      "Prints one line for each vCPU. The status is the highest of theirs: 0 done, 1 failed, 3 refused by the host, 4 no answer, 5 no port.\n" +
      'JSON: {"step", "vcpus": [{"vcpu", "port", "outcome", "message"}]}; outcome is "done" or the kind of failure.',
    examples: ["vmpower-guest scale up --vcpu 0", "vmpower-guest scale min --vcpu 1,3,5-7 --json"],
  },
  args: {
    step: { type: "positional", options: STEPS, description: "where the clock goes" },
    vcpu: {
      type: "string",
      valueHint: "list",
      required: true,
      description: "vCPUs of this VM, such as 1,3,5-7",
    },
    ...PLACE_ARGS,
  },
  async run({ args, io }) {
    const { vcpu: vcpus } = parseArgs(v.object({ vcpu: cpuNumbers }), args);
    const { step, json } = args;
    return await withPlace(args, io, async (place) =>
      tellRows(await place.scale(step, vcpus), { json, done: `${step} done`, head: { step } }, io),
    );
  },
});
