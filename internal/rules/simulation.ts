// A dry run: the daemon's own engine on a clock that jumps from one event to the next, its wishes noted and not written.

import type { Domain } from "../sysfs/cpufreq/cpufreq.ts";
import type { Policy, PolicyLevel } from "../values/policy.ts";
import { placeLevel } from "./level.ts";
import type { BranchSample } from "./rule.ts";
import type { Refusal } from "../values/refusal.ts";
import { DONE, ok, type Result } from "../values/result.ts";
import type { Khz, Pcpu } from "../values/units.ts";
import {
  type Clock,
  type Counter,
  nameOf,
  type PolicyCounters,
  type PolicyDesk,
  type PolicyProblem,
  type PolicySubject,
  type PolicyWish,
} from "./desk.ts";
import { PolicyEngine } from "./engine.ts";
import type { Trace } from "./trace.ts";

/** One clock of the machine. */
export type SimulatedDomain = Pick<Domain, "pcpus" | "table" | "turboAtStart">;

/** What is tried, on what, when. */
export interface Simulation {
  readonly policy: Policy;
  /** vCPU n of the VM runs on the n-th of them; each is in one of the domains. */
  readonly cpus: readonly Pcpu[];
  readonly domains: readonly SimulatedDomain[];
  /** ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** One column: packets received. */
  readonly traffic?: Trace | undefined;
  /** Two columns: branches and their misses, the same on each CPU. */
  readonly branches?: Trace | undefined;
}

/** A CPU's frequency changes. */
export interface SimulatedChange {
  readonly at: number;
  readonly cpu: Pcpu;
  /** What was wished where it comes from. */
  readonly level: PolicyLevel;
  readonly khz: Khz;
}

/** How long a CPU had a frequency. */
interface SimulatedShare {
  readonly cpu: Pcpu;
  /** Undefined while the policy left it as it was. */
  readonly khz: Khz | undefined;
  readonly ms: number;
}

export interface Simulated {
  readonly changes: readonly SimulatedChange[];
  /** By CPU, its frequencies from high to low. */
  readonly shares: readonly SimulatedShare[];
}

/** Returns what the policy would do to the CPUs between the two times. Errors: a vCPU that has no CPU. */
export function simulate(what: Simulation): Result<Simulated, PolicyProblem> {
  const clock = new SimulatedClock(what.from);
  const desk = new SimulatedDesk(what, clock);
  const engine = new PolicyEngine(desk, new TracedCounters(what, clock), clock);
  const set = engine.set({ vm: "simulated" }, "operator", what.policy);
  if (!set.ok) return set;
  clock.run(what.to);
  return ok(desk.result(what.to));
}

class SimulatedClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly due: () => void }>();

  constructor(from: number) {
    this.#now = from;
  }

  now(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  setTimer(ms: number, due: () => void): () => void {
    const timer = { at: this.#now + ms, due };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets every timer before `to` fire, in order. */
  run(to: number): void {
    for (;;) {
      let next: { readonly at: number; readonly due: () => void } | undefined;
      for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
      if (next === undefined || next.at >= to) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.due();
    }
    this.#now = to;
  }
}

/** A CPU's frequency so far. */
interface Told {
  khz: Khz | undefined;
  since: number;
  readonly ms: Map<Khz | undefined, number>;
}

class SimulatedDesk implements PolicyDesk {
  readonly #what: Simulation;
  readonly #clock: Clock;
  readonly #changes: SimulatedChange[] = [];
  readonly #told = new Map<Pcpu, Told>();
  /** Wishes by domain and vCPU. */
  readonly #wishes = new Map<
    SimulatedDomain,
    Map<number, { readonly level: PolicyLevel; readonly khz: Khz }>
  >();

  constructor(what: Simulation, clock: Clock) {
    this.#what = what;
    this.#clock = clock;
    for (const cpu of what.cpus) this.#told.set(cpu, { khz: undefined, since: what.from, ms: new Map() });
  }

  vcpus(): readonly number[] {
    return [...this.#what.cpus.keys()];
  }

  refuse(subject: PolicySubject, vcpu: number): Refusal | undefined {
    const count = this.#what.cpus.length;
    return vcpu < count ? undefined : { kind: "no-such-vcpu", vm: nameOf(subject), vcpu, count };
  }

  wish(
    _subject: PolicySubject,
    vcpu: number,
    _origin: string,
    { level, turbo }: PolicyWish,
  ): Result<void, PolicyProblem> {
    const cpu = this.#what.cpus[vcpu];
    const domain = this.#what.domains.find(({ pcpus }) => pcpus.some((one) => one === cpu));
    if (domain === undefined) throw new Error(`CPU ${cpu} is in no domain of the simulation`);
    let wishes = this.#wishes.get(domain);
    if (wishes === undefined) this.#wishes.set(domain, (wishes = new Map()));
    wishes.set(vcpu, { level, khz: placeLevel(domain.table, level, turbo ?? domain.turboAtStart).khz });
    // As the arbiter: the highest wish on a clock is what all of its CPUs get.
    const highest = [...wishes.values()].reduce((a, b) => (b.khz > a.khz ? b : a));
    for (const one of domain.pcpus) this.#change(one, highest.level, highest.khz);
    return DONE;
  }

  withdraw(): void {}
  failed(): void {}

  result(to: number): Simulated {
    const shares: SimulatedShare[] = [];
    for (const [cpu, told] of this.#told) {
      this.#pass(told, to);
      const spent = [...told.ms].filter(([, ms]) => ms > 0).sort(([a], [b]) => (b ?? 0) - (a ?? 0));
      for (const [khz, ms] of spent) shares.push({ cpu, khz, ms });
    }
    return { changes: this.#changes, shares };
  }

  #change(cpu: Pcpu, level: PolicyLevel, khz: Khz): void {
    const told = this.#told.get(cpu);
    if (told === undefined || told.khz === khz) return;
    const at = this.#clock.now();
    this.#pass(told, at);
    told.khz = khz;
    this.#changes.push({ at, cpu, level, khz });
  }

  #pass(told: Told, now: number): void {
    told.ms.set(told.khz, (told.ms.get(told.khz) ?? 0) + now - told.since);
    told.since = now;
  }
}

class TracedCounters implements PolicyCounters {
  readonly #what: Simulation;
  readonly #clock: Clock;
  /** Several vCPUs read the same moment of a trace, which only goes forward. */
  #branches: { readonly at: number; readonly sample: BranchSample } | undefined;

  constructor(what: Simulation, clock: Clock) {
    this.#what = what;
    this.#clock = clock;
  }

  traffic(): Result<Counter<number>, Refusal> {
    const { traffic } = this.#what;
    return ok({ read: () => ok(traffic?.totals(this.#clock.now())[0]), close() {} });
  }

  branches(): Result<Counter<BranchSample>, Refusal> {
    return ok({ read: () => ok(this.#sample()), close() {} });
  }

  #sample(): BranchSample | undefined {
    const at = this.#clock.now();
    if (this.#what.branches !== undefined && this.#branches?.at !== at) {
      const [branches = 0, misses = 0] = this.#what.branches.totals(at);
      this.#branches = { at, sample: { branches, misses } };
    }
    return this.#branches?.sample;
  }
}
