// powermon vm add: takes a removed VM up again.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell, VM_ARG, vmName } from "../control.ts";

export default defineCommand({
  meta: {
    name: "add",
    summary: "serve a VM again that was removed",
    details: "A VM whose channels appear in a channel folder is served without being asked for.",
    examples: ["powermon vm add vm1"],
  },
  args: { vm: VM_ARG, ...CONTROL_ARGS },
  run(context) {
    const { vm } = parseArgs(v.object({ vm: vmName }), context.args);
    return tell(clientOf(context.args).ask("addVm", { vm }), context, () => `${vm}: added`);
  },
});
