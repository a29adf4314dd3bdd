// powermon vm query: lets a guest ask about its frequencies, or not.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, onOff, tell, VM_ARG, vmName } from "../control.ts";

export default defineCommand({
  meta: {
    name: "query",
    summary: "let a VM's guest ask for its frequencies and capabilities, or not",
    examples: ["powermon vm query vm1 on", "powermon vm query vm1 off --save"],
  },
  args: {
    vm: VM_ARG,
    queries: { type: "positional", options: ["on", "off"], description: "whether queries are answered" },
    save: { type: "boolean", description: "keep it over a restart of powermon" },
    ...CONTROL_ARGS,
  },
  run(context) {
    const { vm, queries, save } = parseArgs(
      v.object({ vm: vmName, queries: onOff, save: v.boolean() }),
      context.args,
    );
    return tell(
      clientOf(context.args).ask("changeVm", { vm, queries, save }),
      context,
      ({ settings }) =>
        `${vm}: queries ${settings.queries.value ? "on" : "off"} (${save ? settings.queries.from : "until powermon restarts"})`,
    );
  },
});
