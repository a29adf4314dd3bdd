// An operator's policies while the daemon runs: listed, set and removed by VM.

import type { PolicyReport } from "../../api/policies.ts";
import type { Handlers, Rehearsals } from "../../api/table.ts";
import { parsePolicy } from "../../config/policy.ts";
import { type ConfigProblem, describeProblem } from "../../config/problem.ts";
import { draftSaved, saveVm, type VmChanges } from "../../config/save.ts";
import { explainProblem } from "../../values/problem.ts";
import type { Policy } from "../../values/policy.ts";
import type { PolicyEngine, PolicyStatus } from "../../rules/engine.ts";
import { type Answer, no } from "../../values/answer.ts";
import { DONE, ok } from "../../values/result.ts";
import type { Host } from "../host.ts";
import { changed, rehearse } from "../rehearsal/rehearsal.ts";

const sentences = (problems: readonly ConfigProblem[]): string => problems.map(describeProblem).join(" ");

/** Returns a policy as it is written for [vm.NAME.policy]. */
function read(written: object): Answer<Policy> {
  const parsed = parsePolicy(written);
  return parsed.ok ? parsed : no("invalid", sentences(parsed.error));
}

/** Puts an operator's policy in force in `engine`. One for a VM that is not there yet waits for it. */
function put({ channels }: Host, engine: PolicyEngine, vm: string, policy: Policy): Answer {
  const set = engine.set({ vm }, "operator", policy, undefined, channels.vm(vm) === undefined);
  return set.ok ? set : no(set.error.kind === "sysfs" ? "failed" : "refused", explainProblem(set.error));
}

/** Ends an operator's policy in `engine`. */
const end = (engine: PolicyEngine, vm: string): Answer =>
  engine.remove({ vm }, "operator")
    ? DONE
    : no("not-found", `VM ${JSON.stringify(vm)} has no operator's policy.`);

const unsaved = (problems: readonly ConfigProblem[]) =>
  no("failed", `The policy stands but was not saved: ${sentences(problems)}`);
const stillSaved = (problems: readonly ConfigProblem[]) =>
  no("failed", `The policy is gone but was not taken out of what was saved: ${sentences(problems)}`);

/** @param dropInDir where policies are kept over restarts */
export function policyAsks(host: Host, dropInDir: string) {
  const { policies: engine } = host;
  const save = (vm: string, policy: object | undefined) => saveVm(dropInDir, vm, { policy } as VmChanges);
  const policy = ({ vm }: { readonly vm: string }) => {
    const found = [...engine.list({ vm })].map(policyReport);
    return found.length > 0 ? ok(found) : no("not-found", `VM ${JSON.stringify(vm)} has no policy.`);
  };
  return {
    policy,

    policies: () => ok([...engine.list()].map(policyReport)),

    setPolicy({ vm, policy: written, save: isKept }) {
      const parsed = read(written);
      const set = parsed.ok ? put(host, engine, vm, parsed.value) : parsed;
      if (!set.ok) return set;
      const saved = isKept ? save(vm, written) : undefined;
      return saved?.ok === false ? unsaved(saved.error) : policy({ vm });
    },

    removePolicy({ vm, save: isKept }) {
      const ended = end(engine, vm);
      if (!ended.ok) return ended;
      const saved = isKept ? save(vm, undefined) : undefined;
      return saved?.ok === false ? stillSaved(saved.error) : DONE;
    },
  } satisfies Pick<Handlers, "policies" | "policy" | "setPolicy" | "removePolicy">;
}

/** Returns who tells what would happen to policies. @param dropInDir where they are kept over restarts */
export function policyRehearsals(host: Host, dropInDir: string) {
  const draft = (vm: string, policy: object | undefined) =>
    draftSaved(dropInDir, vm, { policy } as VmChanges);
  return {
    setPolicy({ vm, policy: written, save: isKept }) {
      const parsed = read(written);
      if (!parsed.ok) return parsed;
      return rehearse(host, ({ policies }) => {
        const set = put(host, policies, vm, parsed.value);
        if (!set.ok) return set;
        const saved = isKept ? draft(vm, written) : undefined;
        return saved?.ok === false ? unsaved(saved.error) : ok(changesOf(vm, host.policies, policies));
      });
    },

    removePolicy: ({ vm, save: isKept }) =>
      rehearse(host, ({ policies }) => {
        const ended = end(policies, vm);
        if (!ended.ok) return ended;
        const saved = isKept ? draft(vm, undefined) : undefined;
        return saved?.ok === false ? stillSaved(saved.error) : ok(changesOf(vm, host.policies, policies));
      }),
  } satisfies Pick<Rehearsals, "setPolicy" | "removePolicy">;
}

/** Returns what differs of a VM's policies: what each is, and what it wishes for which vCPU. */
function changesOf(vm: string, before: PolicyEngine, after: PolicyEngine) {
  const [was, is] = [before, after].map((engine) => new Map([...engine.list({ vm })].flatMap(told)));
  const whats = new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])]);
  return [...whats].flatMap((what) => changed(what, was?.get(what), is?.get(what)));
}

function told({ vm, origin, policy, inForce, wishes }: PolicyStatus): readonly (readonly [string, string])[] {
  const whose = origin === "operator" ? "operator's" : "guest's";
  const { rule, vcpus, turbo } = policy;
  const standing = `${JSON.stringify({ ...rule, vcpus, turbo })}${inForce ? "" : ", behind the operator's"}`;
  return [
    [`${whose} policy of VM ${vm}`, standing],
    ...[...wishes].map(
      ([vcpu, { level }]) =>
        [
          `${whose} policy's wish for vCPU ${vcpu} of VM ${vm}`,
          typeof level === "number" ? `${level} kHz` : level,
        ] as const,
    ),
  ];
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
