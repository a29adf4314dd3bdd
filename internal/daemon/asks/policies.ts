// An operator's policies while the daemon runs: listed, set and removed by VM.

import type { PolicyReport } from "../../api/policies.ts";
import type { Handlers } from "../../api/table.ts";
import { parsePolicy } from "../../config/policy.ts";
import { type ConfigProblem, describeProblem } from "../../config/problem.ts";
import { saveVm, type VmChanges } from "../../config/save.ts";
import { explainProblem } from "../../values/problem.ts";
import type { PolicyStatus } from "../../rules/engine.ts";
import { no } from "../../values/answer.ts";
import { DONE, ok } from "../../values/result.ts";
import type { Host } from "../host.ts";

const sentences = (problems: readonly ConfigProblem[]): string => problems.map(describeProblem).join(" ");

/** @param dropInDir where policies are kept over restarts */
export function policyAsks({ policies: engine, channels }: Host, dropInDir: string) {
  const save = (vm: string, policy: object | undefined) => saveVm(dropInDir, vm, { policy } as VmChanges);
  const policy = ({ vm }: { readonly vm: string }) => {
    const found = [...engine.list({ vm })].map(policyReport);
    return found.length > 0 ? ok(found) : no("not-found", `VM ${JSON.stringify(vm)} has no policy.`);
  };
  return {
    policy,

    policies: () => ok([...engine.list()].map(policyReport)),

    /** One for a VM that is not there yet waits for it. */
    setPolicy({ vm, policy: written, save: isKept }) {
      const parsed = parsePolicy(written);
      if (!parsed.ok) return no("invalid", sentences(parsed.error));
      const waits = channels.vm(vm) === undefined;
      const set = engine.set({ vm }, "operator", parsed.value, undefined, waits);
      if (!set.ok) return no(set.error.kind === "sysfs" ? "failed" : "refused", explainProblem(set.error));
      const saved = isKept ? save(vm, written) : undefined;
      return saved?.ok === false
        ? no("failed", `The policy stands but was not saved: ${sentences(saved.error)}`)
        : policy({ vm });
    },

    removePolicy({ vm, save: isKept }) {
      if (!engine.remove({ vm }, "operator"))
        return no("not-found", `VM ${JSON.stringify(vm)} has no operator's policy.`);
      const saved = isKept ? save(vm, undefined) : undefined;
      return saved?.ok === false
        ? no(
            "failed",
            `The policy is gone but was not taken out of what was saved: ${sentences(saved.error)}`,
          )
        : DONE;
    },
  } satisfies Pick<Handlers, "policies" | "policy" | "setPolicy" | "removePolicy">;
}

function policyReport(status: PolicyStatus): PolicyReport {
  const { vm, origin, policy, inForce, wishes, dueAt, pps, problem } = status;
  return {
    vm,
    origin,
    type: policy.rule.type,
    inForce,
    vcpus: policy.vcpus,
    turbo: policy.turbo,
    wishes: [...wishes].map(([vcpu, { level }]) => ({ vcpu, level })),
    dueAt: dueAt === undefined ? undefined : new Date(dueAt).toISOString(),
    pps,
    problem: problem && explainProblem(problem),
    rule: policy.rule,
  };
}
