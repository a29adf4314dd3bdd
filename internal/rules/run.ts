// One policy in force on one VM: from what is due or counted to the wishes that follow.

import type { Policy, PolicyRule } from "../values/policy.ts";
import { ruleFor } from "./index.ts";
import { type BranchSample, type Inputs, type Rule, UNDECIDED, type Verdict, type Watch } from "./rule.ts";
import { trafficRule } from "./traffic.ts";
import { DONE, err, type Result } from "../values/result.ts";
import type { PolicyType } from "../values/request.ts";
import type { Refusal } from "../values/refusal.ts";
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
} from "./desk.ts";

/** A sample further from the one before it says nothing of now, ms. */
const STALE_MS = 5000;

/** vCPUs that one verdict holds for: all of them, or for branches each alone. */
interface Group {
  readonly vcpus: readonly number[];
  verdict: Verdict;
  counter: Counter<BranchSample> | undefined;
  last: BranchSample | undefined;
}

/** How often rules were evaluated, by their type. */
export type Evaluations = Record<PolicyType, number>;

/** What all runs of an engine work with. */
export interface World {
  readonly desk: PolicyDesk;
  readonly counters: PolicyCounters;
  readonly clock: Clock;
  readonly evaluations: Evaluations;
}

export class PolicyRun {
  readonly subject: PolicySubject;
  readonly origin: Origin;
  readonly policy: Policy;
  /** What has to be watched now. */
  watch: Watch | undefined;
  /** When to look again, ms since 1970. */
  dueAt: number | undefined;
  /** Why the policy is not, or not wholly, in effect; undefined when all is well. */
  problem: PolicyProblem | undefined;
  /** The last rate, packets per second. */
  pps: number | undefined;
  readonly #world: World;
  readonly #rule: Rule<PolicyRule>;
  /** Wishes that stand, by vCPU. */
  readonly #held = new Map<number, PolicyWish>();
  /** vCPUs whose wish failed: they wait for retry(), however often a sample asks. */
  readonly #failed = new Set<number>();
  #groups: readonly Group[] = [];
  #traffic: Counter<number> | undefined;
  /** Why its traffic hours can't be followed now, while its other hours are. */
  #lacks: Refusal | undefined;
  #last: { readonly packets: number; readonly at: number } | undefined;

  constructor(subject: PolicySubject, origin: Origin, policy: Policy, world: World) {
    this.subject = subject;
    this.origin = origin;
    this.policy = policy;
    this.#world = world;
    this.#rule = ruleFor(policy.rule);
  }

  /** Returns the same run in another world: what it holds and has decided; of what is counted nothing is open there. */
  twin(world: World): PolicyRun {
    const twin = new PolicyRun(this.subject, this.origin, this.policy, world);
    for (const [vcpu, wish] of this.#held) twin.#held.set(vcpu, wish);
    for (const vcpu of this.#failed) twin.#failed.add(vcpu);
    twin.#groups = this.#groups.map((group) => ({ ...group, counter: undefined, last: undefined }));
    twin.#lacks = this.#lacks;
    const { watch, dueAt, problem, pps } = this;
    return Object.assign(twin, { watch, dueAt, problem, pps });
  }

  /** What it holds, by vCPU. */
  get wishes(): ReadonlyMap<number, PolicyWish> {
    return this.#held;
  }

  /**
   * Finds its vCPUs and opens what it counts. Returns the first reason why it can't have all of it; a VM that is not there is none, nor
   * is a MAC that nobody has yet, for a rule that has other hours: see stand(). Source: DPDK channel_monitor.c, update_policy: MACs are
   * looked for in TRAFFIC policies alone.
   */
  open(): Result<void, Refusal> {
    this.close();
    if (this.policy.vcpus.length === 0) {
      return err({ kind: "policy-lacks", vm: nameOf(this.subject), lacks: "vcpus" });
    }
    const there = this.#world.desk.vcpus(this.subject);
    const vcpus = there === undefined ? [] : this.policy.vcpus === "all" ? there : this.policy.vcpus;
    const no = this.#open(vcpus);
    return no === undefined ? DONE : err(no);
  }

  #open(vcpus: readonly number[]): Refusal | undefined {
    let no: Refusal | undefined;
    for (const vcpu of vcpus) no ??= this.#world.desk.refuse(this.subject, vcpu);
    const rule = trafficRule(this.policy.rule);
    if (rule !== undefined && vcpus.length > 0) {
      const traffic = this.#world.counters.traffic(this.subject, rule);
      if (traffic.ok) this.#traffic = traffic.value;
      else if (this.policy.rule.type === "time" && traffic.error.kind === "mac-nowhere")
        this.#lacks = traffic.error;
      else no ??= traffic.error;
    }
    const perVcpu = this.policy.rule.type === "branch-ratio";
    const lists = perVcpu ? vcpus.map((vcpu) => [vcpu]) : vcpus.length > 0 ? [vcpus] : [];
    this.#groups = lists.map((list) => ({
      vcpus: list,
      verdict: UNDECIDED,
      counter: undefined,
      last: undefined,
    }));
    if (!perVcpu) return no;
    for (const group of this.#groups) {
      const branches = this.#world.counters.branches(this.subject, group.vcpus[0] ?? 0);
      if (branches.ok) group.counter = branches.value;
      else no ??= branches.error;
    }
    return no;
  }

  /** Takes over the wishes of the policy that this one replaces, so that what it leaves as it is stays. */
  inherit(old: PolicyRun): void {
    const mine = this.#vcpus();
    for (const [vcpu, wish] of old.#held) if (mine.has(vcpu)) this.#held.set(vcpu, wish);
  }

  /** Applies what is due by the clock alone. */
  look(): void {
    const now = this.#world.clock.now();
    for (const group of this.#groups) this.#decide(group, { now });
    this.watch = this.#groups.length === 0 ? undefined : this.#rule.watches(this.policy.rule, now);
    this.dueAt = this.#groups.length === 0 ? undefined : this.#rule.nextLook(this.policy.rule, now);
  }

  /** Counts once and applies what follows. */
  sample(): void {
    const now = this.#world.clock.now();
    if (this.watch === "traffic") {
      const pps = this.#rate();
      if (pps === undefined) return;
      this.pps = pps;
      for (const group of this.#groups) this.#decide(group, { now, pps });
      return;
    }
    for (const group of this.#groups) {
      const branches = this.#branches(group);
      if (branches !== undefined) this.#decide(group, { now, branches });
    }
  }

  /** Notes and tells what went wrong; retry() clears it. */
  fail(problem: PolicyProblem): void {
    this.problem = problem;
    this.#world.desk.failed(this.subject, this.origin, problem);
  }

  /** It is in force: what it can't follow for now becomes its problem, told when it is another than `before`. */
  stand(before?: PolicyProblem): void {
    if (this.#lacks === undefined || this.problem !== undefined) return;
    if (Bun.deepEquals(this.#lacks, before)) this.problem = this.#lacks;
    else this.fail(this.#lacks);
  }

  /** Tries again what failed. */
  retry(): void {
    const before = this.problem;
    this.#forgive();
    const opened = this.#isOpen() ? DONE : this.open();
    if (!opened.ok) this.fail(opened.error);
    this.look();
    this.stand(before);
  }

  /** Begins anew with what the VM is now: its wishes are made again, as far as it still has these vCPUs. */
  restart(): void {
    const before = new Map(this.#held);
    this.#held.clear();
    this.#forgive();
    const opened = this.open();
    if (!opened.ok) this.fail(opened.error);
    this.look();
    const mine = this.#vcpus();
    for (const [vcpu, wish] of before) {
      if (this.#held.has(vcpu) || this.#failed.has(vcpu)) continue;
      if (mine.has(vcpu)) this.#wish(vcpu, wish);
      else this.#world.desk.withdraw(this.subject, vcpu, this.origin);
    }
    this.stand();
  }

  /** Makes every wish again that it holds. */
  reassert(): void {
    for (const [vcpu, wish] of this.#held) this.#wish(vcpu, wish);
  }

  /** Stops to count and takes its wishes back, but for those that `heir` has taken over. */
  stop(heir?: PolicyRun): void {
    this.close();
    this.#groups = [];
    for (const vcpu of this.#held.keys()) {
      if (heir?.wishes.has(vcpu) !== true) this.#world.desk.withdraw(this.subject, vcpu, this.origin);
    }
    this.#held.clear();
  }

  /** Stops to count; wishes stay. */
  close(): void {
    this.#traffic?.close();
    this.#traffic = undefined;
    this.#lacks = undefined;
    this.#last = undefined;
    for (const group of this.#groups) group.counter?.close();
  }

  #vcpus(): ReadonlySet<number> {
    return new Set(this.#groups.flatMap(({ vcpus }) => vcpus));
  }

  #isOpen(): boolean {
    if (trafficRule(this.policy.rule) !== undefined) return this.#traffic !== undefined;
    return (
      this.policy.rule.type !== "branch-ratio" || this.#groups.every(({ counter }) => counter !== undefined)
    );
  }

  #decide(group: Group, inputs: Inputs): void {
    this.#world.evaluations[this.policy.rule.type]++;
    group.verdict = this.#rule.evaluate(this.policy.rule, inputs, group.verdict);
    const { level } = group.verdict;
    if (level === undefined) return;
    const { turbo } = this.policy;
    for (const vcpu of group.vcpus) {
      const held = this.#held.get(vcpu);
      if ((held?.level !== level || held.turbo !== turbo) && !this.#failed.has(vcpu))
        this.#wish(vcpu, { level, turbo });
    }
  }

  #wish(vcpu: number, wish: PolicyWish): void {
    const done = this.#world.desk.wish(this.subject, vcpu, this.origin, wish);
    if (done.ok) this.#held.set(vcpu, wish);
    else {
      this.#failed.add(vcpu);
      this.fail(done.error);
    }
  }

  #forgive(): void {
    this.problem = undefined;
    this.#failed.clear();
  }

  /** Packets per second since the last call; undefined when nothing can be said. */
  #rate(): number | undefined {
    const count = this.#traffic?.read();
    if (count?.ok === false) {
      this.#traffic?.close();
      this.#traffic = undefined;
      this.#last = undefined;
      this.fail(count.error);
    }
    if (count?.ok !== true || count.value === undefined) return undefined;
    const last = this.#last;
    this.#last = { packets: count.value, at: this.#world.clock.monotonicMs() };
    if (last === undefined || count.value < last.packets) return undefined;
    const ms = this.#last.at - last.at;
    return ms > 0 && ms <= STALE_MS ? ((count.value - last.packets) * 1000) / ms : undefined;
  }

  #branches(group: Group): BranchSample | undefined {
    const count = group.counter?.read();
    if (count?.ok === false) {
      group.counter?.close();
      group.counter = undefined;
      group.last = undefined;
      this.fail(count.error);
    }
    if (count?.ok !== true || count.value === undefined) return undefined;
    const last = group.last;
    group.last = count.value;
    if (last === undefined || count.value.branches < last.branches) return undefined;
    return { branches: count.value.branches - last.branches, misses: count.value.misses - last.misses };
  }
}
