// An operator's policies while the daemon runs: listed, set and removed by VM.

import { parsePolicy } from "../../config/policy.ts";
import { type ConfigProblem, describeProblem } from "../../config/problem.ts";
import { explain } from "../../values/refusal.ts";
import type { Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { type Answer, DONE, no, yes } from "../../values/answer.ts";
import type { Host } from "../host.ts";
import type { PolicyProblem } from "../../rules/desk.ts";
import type { PolicyStatus } from "../../rules/engine.ts";

/** Keeps a VM's policy over restarts; undefined takes it out. */
export type SavePolicy = (vm: string, policy: object | undefined) => Result<string, readonly ConfigProblem[]>;

const sentence = (problem: PolicyProblem): string =>
  problem.kind === "sysfs" ? explainSysfs(problem) : explain(problem);

const sentences = (problems: readonly ConfigProblem[]): string => problems.map(describeProblem).join(" ");

export class PolicyOperations {
  readonly #host: Host;
  readonly #save: SavePolicy;

  constructor(host: Host, save: SavePolicy) {
    this.#host = host;
    this.#save = save;
  }

  policies() {
    return [...this.#host.policies.list()].map(policyReport);
  }

  policy(vm: string) {
    const found = [...this.#host.policies.list(vm)].map(policyReport);
    return found.length > 0 ? yes(found) : no("not-found", `VM ${JSON.stringify(vm)} has no policy.`);
  }

  /** Puts an operator's policy in force in place of the one before; one for a VM that is not there yet waits for it. */
  setPolicy(vm: string, written: object, save: boolean) {
    const policy = parsePolicy(written);
    if (!policy.ok) return no("invalid", sentences(policy.error));
    const waits = this.#host.channels.vm(vm) === undefined;
    const set = this.#host.policies.set(vm, "operator", policy.value, undefined, waits);
    if (!set.ok) return no(set.error.kind === "sysfs" ? "failed" : "refused", sentence(set.error));
    const saved = save ? this.#save(vm, written) : undefined;
    if (saved?.ok === false)
      return no("failed", `The policy stands but was not saved: ${sentences(saved.error)}`);
    return this.policy(vm);
  }

  removePolicy(vm: string, save: boolean): Answer {
    if (!this.#host.policies.remove(vm, "operator")) {
      return no("not-found", `VM ${JSON.stringify(vm)} has no operator's policy.`);
    }
    const saved = save ? this.#save(vm, undefined) : undefined;
    return saved?.ok === false
      ? no("failed", `The policy is gone but was not taken out of what was saved: ${sentences(saved.error)}`)
      : DONE;
  }
}

function policyReport({ vm, origin, policy, inForce, wishes, dueAt, pps, problem }: PolicyStatus) {
  return {
    vm,
    origin,
    type: policy.rule.type,
    inForce,
    vcpus: policy.vcpus,
    turbo: policy.turbo,
    wishes: [...wishes].map(([vcpu, { level }]) => ({
      vcpu,
      level: level as "min" | "medium" | "max" | number,
    })),
    /** When it looks at the clock again. */
    dueAt: dueAt === undefined ? undefined : new Date(dueAt).toISOString(),
    pps,
    problem: problem && sentence(problem),
    rule: policy.rule as object,
  };
}
