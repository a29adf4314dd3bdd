// powermon vm show: one VM, its vCPUs and what it may do.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell, VM_ARG, vmName } from "../control.ts";
import { showVm } from "./text.ts";

export default defineCommand({
  meta: {
    name: "show",
    summary: "show a VM's vCPUs, wishes, channels and settings, and who said each setting",
    examples: ["powermon vm show vm1", "powermon vm show vm1 --json"],
  },
  args: { vm: VM_ARG, ...CONTROL_ARGS },
  run(context) {
    const { vm } = parseArgs(v.object({ vm: vmName }), context.args);
    return tell(clientOf(context.args).ask("vm", { vm }), context, showVm);
  },
});
