// powermon policy remove: an operator's policy for a VM ends.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell, VM_ARG, vmName } from "../control.ts";

export default defineCommand({
  meta: {
    name: "remove",
    summary: "end an operator's policy for a VM; the guest's own takes over",
    details: "One that is written in powermon.toml itself is back with the next reload.",
    examples: ["powermon policy remove vm1", "powermon policy remove vm1 --save"],
  },
  args: {
    vm: VM_ARG,
    save: { type: "boolean", description: "take it out of what was saved, too" },
    ...CONTROL_ARGS,
  },
  run(context) {
    const { vm, save } = parseArgs(v.object({ vm: vmName, save: v.boolean() }), context.args);
    return tell(
      clientOf(context.args).ask("removePolicy", { vm, save }),
      context,
      () => `${vm}: operator's policy removed`,
    );
  },
});
