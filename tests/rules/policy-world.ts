// A host of notes for the policy engine: its wishes are kept as text, its clock is turned by hand.

import { PolicyEngine } from "../../internal/rules/engine.ts";
import {
  type Clock,
  type Counter,
  nameOf,
  type Origin,
  type PolicyCounters,
  type PolicyDesk,
  type PolicyProblem,
  type PolicySubject,
  type PolicyWish,
} from "../../internal/rules/desk.ts";
import type { Policy, PolicyRule, TrafficRule } from "../../internal/values/policy.ts";
import type { BranchSample } from "../../internal/rules/rule.ts";
import type { Refusal } from "../../internal/values/refusal.ts";
import { DONE, err, ok, type Result } from "../../internal/values/result.ts";
import type { SysfsError } from "../../internal/values/sysfs-error.ts";

/** A clock that stands until it is turned; timers fire in their order. */
export class TestClock implements Clock {
  #now: number;
  #monotonic = 0;
  readonly #timers = new Set<{ readonly at: number; readonly due: () => void }>();

  constructor(iso: string) {
    this.#now = Date.parse(iso);
  }

  now = (): number => this.#now;
  monotonicMs = (): number => this.#monotonic;

  setTimer(ms: number, due: () => void): () => void {
    const timer = { at: this.#monotonic + ms, due };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers that are set: ms from now, ascending. */
  get waits(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#monotonic).sort((a, b) => a - b);
  }

  /** Lets `ms` pass. */
  pass(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#step(next.at);
      this.#timers.delete(next);
      next.due();
    }
    this.#step(end);
  }

  /** Sets the wall clock and nothing else, as an operator does or a suspend. */
  set(iso: string): void {
    this.#now = Date.parse(iso);
  }

  #step(to: number): void {
    this.#now += to - this.#monotonic;
    this.#monotonic = to;
  }
}

/** VM vm0 and vm1 with two vCPUs each; a VM that is not in `vms` is not there. */
export class TestHost implements PolicyDesk, PolicyCounters {
  readonly vms = new Map<string, readonly number[]>([
    ["vm0", [0, 1]],
    ["vm1", [0, 1]],
  ]);
  /** Every call that changes something, as text. */
  readonly log: string[] = [];
  /** What stands: `VM/VCPU ORIGIN`. */
  readonly standing = new Map<string, PolicyWish>();
  readonly problems: PolicyProblem[] = [];
  /** Wishes fail with this while it is set. */
  broken: SysfsError | undefined;
  /** Packets received so far, by MAC; one that is missing is nowhere. */
  readonly packets = new Map<string, number>();
  /** Branches so far, by `VM/VCPU`; one that is missing can't be counted. */
  readonly branchCounts = new Map<string, BranchSample>();
  openCounters = 0;
  reads = 0;

  vcpus(subject: PolicySubject): readonly number[] | undefined {
    return this.vms.get(nameOf(subject));
  }

  refuse(subject: PolicySubject, vcpu: number): Refusal | undefined {
    const vm = nameOf(subject);
    const count = this.vms.get(vm)?.length ?? 0;
    return vcpu < count ? undefined : { kind: "no-such-vcpu", vm, vcpu, count };
  }

  wish(subject: PolicySubject, vcpu: number, origin: Origin, wish: PolicyWish): Result<void, PolicyProblem> {
    const vm = nameOf(subject);
    const no = this.refuse(subject, vcpu);
    if (no !== undefined) return err(no);
    if (this.broken !== undefined) return err(this.broken);
    this.log.push(`${vm}/${vcpu} ${origin} ${wish.level}${wish.turbo ? " turbo" : ""}`);
    this.standing.set(`${vm}/${vcpu} ${origin}`, wish);
    return DONE;
  }

  withdraw(subject: PolicySubject, vcpu: number, origin: Origin): void {
    const vm = nameOf(subject);
    this.log.push(`${vm}/${vcpu} ${origin} withdrawn`);
    this.standing.delete(`${vm}/${vcpu} ${origin}`);
  }

  failed(_subject: PolicySubject, _origin: Origin, problem: PolicyProblem): void {
    this.problems.push(problem);
  }

  traffic(subject: PolicySubject, { macs }: TrafficRule): Result<Counter<number>, Refusal> {
    const nowhere = macs.find((mac) => !this.packets.has(mac));
    if (nowhere !== undefined) return err({ kind: "mac-nowhere", vm: nameOf(subject), mac: nowhere });
    return ok(this.#counter(macs[0] ?? "", this.packets));
  }

  branches(subject: PolicySubject, vcpu: number): Result<Counter<BranchSample>, Refusal> {
    const vm = nameOf(subject);
    const key = `${vm}/${vcpu}`;
    if (this.branchCounts.has(key)) return ok(this.#counter(key, this.branchCounts));
    return err({ kind: "no-branch-counters", vm, vcpu, pcpu: vcpu, why: "none here" });
  }

  #counter<T>(key: string, counts: ReadonlyMap<string, T>): Counter<T> {
    this.openCounters++;
    return {
      read: () => {
        this.reads++;
        const count = counts.get(key);
        if (count !== undefined) return ok(count);
        return err({ kind: "sysfs", op: "read", path: key, code: "ENODEV" });
      },
      close: () => void this.openCounters--,
    };
  }

  /** Returns what was logged since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }
}

/** Returns an engine on a test host at this time. */
export function makeWorld(iso = "2026-06-10T12:00:00Z") {
  const host = new TestHost();
  const clock = new TestClock(iso);
  return { host, clock, engine: new PolicyEngine(host, host, clock) };
}

/** Returns a policy for all vCPUs, or those given. */
export const policy = (rule: PolicyRule, vcpus: Policy["vcpus"] = "all", turbo = false): Policy => ({
  rule,
  vcpus,
  turbo,
});

/** Returns a WORKLOAD policy. */
export const workload = (level: "high" | "medium" | "low", vcpus: Policy["vcpus"] = "all"): Policy =>
  policy({ type: "workload", workload: level }, vcpus);
