// powermon policy: what the host does by itself.

import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { parsePolicy } from "../../internal/config/policy.ts";
import { type ConfigProblem, describeProblem } from "../../internal/config/problem.ts";
import { MAX_BYTES, parseTable, readTable, tooLarge } from "../../internal/config/read.ts";
import { readStreamBounded } from "../../internal/os/read-bounded.ts";
import { ok, type Result } from "../../internal/values/result.ts";
import { table } from "../../internal/output/table.ts";
import { loaded } from "../loaded.ts";
import { askCommand } from "./ask-command.ts";
import { cell, clientOf, CONTROL_ARGS, fail, tell, VM_ARG, vmName } from "./control.ts";
import { DRY_RUN_ARG, showDryRun } from "./dry-run.ts";
import { showPolicies, standing, vcpusText, wishesText } from "./policy/report.ts";

export default defineCommand({
  meta: {
    name: "policy",
    summary: "list, set, remove and try policies by which the host moves clocks itself",
  },
  commands: {
    ...loaded(
      askCommand("policies", {
        meta: {
          name: "list",
          summary: "list the policies of operators and guests",
          details: "A policy written into a FIFO has /fifoN for its VM.",
          examples: ["powermon policy list", "powermon policy list --json"],
        },
        show: (policies) =>
          policies.length === 0
            ? "No policies."
            : table([
                ["VM", "BY", "TYPE", "STANDS", "VCPUS", "WISHES", "PROBLEM"],
                ...policies.map((policy) => [
                  policy.vm,
                  policy.origin,
                  policy.type,
                  standing(policy),
                  vcpusText(policy.vcpus),
                  wishesText(policy.wishes),
                  cell(policy.problem),
                ]),
              ]),
      }),
      askCommand("policy", {
        meta: {
          name: "show",
          summary: "show a VM's policies, what they wish now and what keeps them from it",
          examples: ["powermon policy show vm1", "powermon policy show vm1 --json"],
        },
        args: { vm: VM_ARG },
        means: v.object({ vm: vmName }),
        show: showPolicies,
      }),
      defineCommand({
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
          ...DRY_RUN_ARG,
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
          const client = clientOf(context.args);
          const said = { vm, policy: policy.value, save };
          return context.args["dry-run"]
            ? tell(client.rehearse("setPolicy", said), context, showDryRun)
            : tell(client.ask("setPolicy", said), context, showPolicies);
        },
      }),
      askCommand("removePolicy", {
        meta: {
          name: "remove",
          summary: "end an operator's policy for a VM; the guest's own takes over",
          details: "One that is written in powermon.toml itself is back with the next reload.",
          examples: ["powermon policy remove vm1", "powermon policy remove vm1 --save"],
        },
        args: { vm: VM_ARG, save: { type: "boolean", description: "take it out of what was saved, too" } },
        means: v.object({ vm: vmName, save: v.boolean() }),
        show: (_, { vm }) => `${vm}: operator's policy removed`,
      }),
    ),
    simulate: () => import("./policy/simulate.ts"),
  },
});

/** Returns the policy as it is written, once it is known to be one. Errors: every problem, with its line in TOML. */
async function readWritten(file: string): Promise<Result<object, ConfigProblem[]>> {
  const name = file === "-" ? "standard input" : file;
  const table = file === "-" ? await readInput(name) : readTable(file);
  if (!table.ok) return table;
  const { raw, text } = table.value;
  const policy = parsePolicy(raw, name, text);
  return policy.ok ? ok(raw) : policy;
}

async function readInput(name: string): Promise<ReturnType<typeof readTable>> {
  const bytes = await readStreamBounded(Bun.stdin.stream(), MAX_BYTES);
  return bytes === undefined ? tooLarge(name) : parseTable(name, bytes.toString());
}
