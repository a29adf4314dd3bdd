// powermon freq show: what powermon told the clocks, and what the kernel holds.

import * as v from "valibot";
import { cpuList, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell } from "../control.ts";
import { showFreqs } from "./text.ts";

export default defineCommand({
  meta: {
    name: "show",
    summary: "show CPUs' frequencies in kHz: what powermon told, what the kernel holds, the range",
    details: "TARGET is empty where powermon has set nothing.",
    examples: ["powermon freq show", "powermon freq show 0-3,8 --json"],
  },
  args: {
    cpus: {
      type: "positional",
      default: "all",
      valueHint: "CPULIST|all",
      description: "CPUs such as 0-3,8, or all",
    },
    ...CONTROL_ARGS,
  },
  run(context) {
    const { cpus } = parseArgs(v.object({ cpus: cpuList }), context.args);
    return tell(clientOf(context.args).ask("freq", { cpus }), context, showFreqs);
  },
});
