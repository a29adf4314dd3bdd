// powermon freq release: ends the operator's claims.

import * as v from "valibot";
import { cpuList, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell } from "../control.ts";
import { showFreqs } from "./text.ts";

export default defineCommand({
  meta: {
    name: "release",
    summary: "end the operator's claims on CPUs",
    examples: ["powermon freq release 4-7", "powermon freq release all"],
  },
  args: {
    cpus: { type: "positional", valueHint: "CPULIST|all", description: "CPUs such as 0-3,8, or all" },
    ...CONTROL_ARGS,
  },
  run(context) {
    const { cpus } = parseArgs(v.object({ cpus: cpuList }), context.args);
    return tell(clientOf(context.args).ask("releaseFreq", { cpus }), context, showFreqs);
  },
});
