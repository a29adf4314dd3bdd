// powermon vm remove: serves a VM no longer, until it is added again.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell, VM_ARG, vmName } from "../control.ts";

export default defineCommand({
  meta: {
    name: "remove",
    summary: "serve a VM no longer: its channels are closed and its claims end",
    examples: ["powermon vm remove vm1"],
  },
  args: { vm: VM_ARG, ...CONTROL_ARGS },
  run(context) {
    const { vm } = parseArgs(v.object({ vm: vmName }), context.args);
    return tell(clientOf(context.args).ask("removeVm", { vm }), context, () => `${vm}: removed`);
  },
});
