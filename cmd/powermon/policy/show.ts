// powermon policy show: what the host does for one VM by itself.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell, VM_ARG, vmName } from "../control.ts";
import { showPolicies } from "./report.ts";

export default defineCommand({
  meta: {
    name: "show",
    summary: "show a VM's policies, what they wish now and what keeps them from it",
    examples: ["powermon policy show vm1", "powermon policy show vm1 --json"],
  },
  args: { vm: VM_ARG, ...CONTROL_ARGS },
  run(context) {
    const { vm } = parseArgs(v.object({ vm: vmName }), context.args);
    return tell(clientOf(context.args).ask("policy", { vm }), context, showPolicies);
  },
});
