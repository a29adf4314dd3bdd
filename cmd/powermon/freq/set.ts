// powermon freq set: the operator's own claim on a clock.

import * as v from "valibot";
import { cpuNumbers, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STEPS } from "../../../internal/values/request.ts";
import { clientOf, CONTROL_ARGS, tell, wordOrKhz } from "../control.ts";
import { showFreqs } from "./text.ts";

const Args = v.object({ cpus: cpuNumbers, target: wordOrKhz(STEPS) });

export default defineCommand({
  meta: {
    name: "set",
    summary: "claim a frequency for CPUs as the operator",
    details:
      "The claim stands beside those of the VMs: where CPUs share a clock the highest wins, within the site's limits. It ends with `powermon freq release`, or with powermon.",
    examples: ["powermon freq set 4-7 max", "powermon freq set 2 1800000", "powermon freq set 2 turbo-on"],
  },
  args: {
    cpus: { type: "positional", valueHint: "CPULIST", description: "CPUs such as 0-3,8" },
    target: {
      type: "positional",
      valueHint: `${STEPS.join("|")}|kHz`,
      description: `${STEPS.join(", ")}, or kHz`,
    },
    ...CONTROL_ARGS,
  },
  run(context) {
    const { cpus, target } = parseArgs(Args, context.args);
    return tell(clientOf(context.args).ask("setFreq", { cpus, target }), context, showFreqs);
  },
});
