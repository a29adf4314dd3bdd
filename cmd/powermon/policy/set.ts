// powermon policy set: an operator's policy for a VM, while powermon runs.

import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { parsePolicy } from "../../../internal/config/policy.ts";
import { type ConfigProblem, describeProblem } from "../../../internal/config/problem.ts";
import { parseTable, readTable } from "../../../internal/config/read.ts";
import { ok, type Result } from "../../../internal/values/result.ts";
import { clientOf, CONTROL_ARGS, fail, tell, VM_ARG, vmName } from "../control.ts";
import { showPolicies } from "./report.ts";

export default defineCommand({
  meta: {
    name: "set",
    summary: "put an operator's policy in force for a VM, in place of the one before",
    details:
      "It stands before the guest's own. FILE says what [vm.NAME.policy] of powermon.toml says, in TOML or JSON. A VM that is not there yet may have one.",
    examples: [
      "powermon policy set vm1 --file night.toml --save",
      `echo '{"type": "workload", "workload": "low"}' | powermon policy set vm1 --file -`,
    ],
  },
  args: {
    vm: VM_ARG,
    file: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "the policy; - reads it from standard input",
    },
    save: { type: "boolean", description: "keep it over a restart of powermon" },
    ...CONTROL_ARGS,
  },
  async run(context) {
    const { vm, file, save } = parseArgs(
      v.object({ vm: vmName, file: nonEmpty, save: v.boolean() }),
      context.args,
    );
    const policy = await readWritten(file);
    if (!policy.ok) {
      const message = policy.error.map(describeProblem).join("\n");
      return fail({ code: "invalid", message }, context.args.json, context.io);
    }
    return tell(
      clientOf(context.args).ask("setPolicy", { vm, policy: policy.value, save }),
      context,
      showPolicies,
    );
  },
});

/** Returns the policy as it is written, once it is known to be one. Errors: every problem, with its line in TOML. */
async function readWritten(file: string): Promise<Result<object, ConfigProblem[]>> {
  const name = file === "-" ? "standard input" : file;
  const table = file === "-" ? parseTable(name, await Bun.stdin.text()) : readTable(file);
  if (!table.ok) return table;
  const { raw, text } = table.value;
  const policy = parsePolicy(raw, name, text);
  return policy.ok ? ok(raw) : policy;
}
