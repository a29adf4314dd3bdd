// Every policy that stands, and when to act on it.

import { TokenBucket } from "../claims/rate.ts";
import type { Policy } from "../values/policy.ts";
import { DONE, err, type Result } from "../values/result.ts";
import {
  type Clock,
  nameOf,
  type Origin,
  ORIGINS,
  type PolicyCounters,
  type PolicyDesk,
  type PolicyProblem,
  type PolicySubject,
  type PolicyWish,
  SYSTEM_CLOCK,
} from "./desk.ts";
import { type Evaluations, PolicyRun, type World } from "./run.ts";

/** How often packets are counted for those who follow traffic, ms. */
export const TRAFFIC_MS = 1000;
/** How often branches are counted for those who follow them, ms. */
export const BRANCHES_MS = 100;
/** How long until what failed is tried again, ms. */
export const RETRY_MS = 5000;
/** Longest sleep while a TIME policy stands, ms: a timer sees neither a clock that is set nor the time spent suspended. */
export const LOOK_MS = 60_000;

/** How many policies of its own a guest, or the writers of a FIFO, may set a second, and how many at once. */
export const POLICIES = { perSecond: 10, burst: 20 };

/** A policy as somebody gave it. */
interface Held {
  readonly subject: PolicySubject;
  readonly policy: Policy;
  /** Whoever gave it and can go away: nobody else than this very object. */
  readonly owner: object | undefined;
}

/** What can be told of a policy. */
export interface PolicyStatus {
  /** The VM's name; "/fifoN" for the policy of a FIFO. */
  readonly vm: string;
  readonly origin: Origin;
  readonly policy: Policy;
  /** False for a guest's policy while an operator's stands. */
  readonly inForce: boolean;
  /** Its wishes, by vCPU. */
  readonly wishes: ReadonlyMap<number, PolicyWish>;
  /** When it looks at the clock again, ms since 1970. */
  readonly dueAt: number | undefined;
  /** The last rate it counted, packets per second. */
  readonly pps: number | undefined;
  readonly problem: PolicyProblem | undefined;
}

const TIMERS = ["time", "traffic", "branches", "retry"] as const;
type Timer = (typeof TIMERS)[number];

export class PolicyEngine {
  readonly evaluations: Evaluations = { time: 0, traffic: 0, workload: 0, "branch-ratio": 0 };
  readonly #world: World;
  /** By the subject's name. */
  readonly #held = new Map<string, Partial<Record<Origin, Held>>>();
  /** The policy in force, by the subject's name. */
  readonly #runs = new Map<string, PolicyRun>();
  readonly #timers = new Map<Timer, () => void>();
  /** By the subject's name; of guests only. */
  readonly #rates = new Map<string, TokenBucket>();

  constructor(desk: PolicyDesk, counters: PolicyCounters, clock: Clock = SYSTEM_CLOCK) {
    this.#world = { desk, counters, clock, evaluations: this.evaluations };
  }

  /** Returns an engine with the same policies at another desk. Nothing comes due there; release() must come last. */
  rehearsal(desk: PolicyDesk): PolicyEngine {
    const { clock, counters } = this.#world;
    const still: Clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      setTimer: () => () => {},
    };
    const twin = new PolicyEngine(desk, counters, still);
    for (const [name, held] of this.#held) twin.#held.set(name, held);
    for (const [name, run] of this.#runs) twin.#runs.set(name, run.twin(twin.#world));
    return twin;
  }

  /** Closes what is counted; wishes stay where they are. */
  release(): void {
    for (const run of this.#runs.values()) run.close();
  }

  /**
   * Sets the policy of one origin for a subject in place of the one before, and applies it unless an operator's stands before a guest's.
   * When it is refused, which guests' are that come too often, or can't be applied the one before stands.
   * @param owner who can go away and take it along, such as a channel
   * @param lasting true to keep it all the same and try again later, as for one that is written in the configuration
   */
  set(
    subject: PolicySubject,
    origin: Origin,
    policy: Policy,
    owner?: object,
    lasting = false,
  ): Result<void, PolicyProblem> {
    const name = nameOf(subject);
    if (origin === "guest" && this.#tooOften(name)) {
      return err({ kind: "rate", vm: name, perSecond: POLICIES.perSecond, of: "policies" });
    }
    const run = new PolicyRun(subject, origin, policy, this.#world);
    const opened = run.open();
    const behind = origin === "guest" && this.#held.get(name)?.operator !== undefined;
    if (behind || (!opened.ok && !lasting)) run.close();
    if (!opened.ok) {
      if (!lasting) return opened;
      run.fail(opened.error);
    }
    if (!behind) {
      const applied = this.#replace(run, lasting);
      if (!applied.ok) return applied;
    }
    this.#held.set(name, { ...this.#held.get(name), [origin]: { subject, policy, owner } });
    this.#arm();
    return DONE;
  }

  /** Removes the policy of one origin and its wishes; the other origin's takes over. Returns whether there was one. */
  remove(subject: PolicySubject, origin: Origin): boolean {
    const name = nameOf(subject);
    const held = this.#held.get(name);
    if (held?.[origin] === undefined) return false;
    const left: Partial<Record<Origin, Held>> = { ...held };
    delete left[origin];
    if (Object.keys(left).length === 0) this.#held.delete(name);
    else this.#held.set(name, left);
    const run = this.#runs.get(name);
    if (run?.origin !== origin) return true;
    const next = ORIGINS.find((other) => left[other] !== undefined);
    const policy = next === undefined ? undefined : left[next]?.policy;
    if (next !== undefined && policy !== undefined) {
      const successor = new PolicyRun(subject, next, policy, this.#world);
      this.#runs.set(name, successor);
      successor.restart();
    } else {
      this.#runs.delete(name);
    }
    run.stop();
    this.#arm();
    return true;
  }

  /** Removes every policy that `owner` gave: it went away. */
  removeOwner(owner: object): void {
    for (const by of [...this.#held.values()]) {
      for (const origin of ORIGINS) {
        const held = by[origin];
        if (held?.owner === owner) this.remove(held.subject, origin);
      }
    }
  }

  /** Begins anew with a VM that came, went, or whose vCPUs or limits changed. */
  vmChanged(vm: string): void {
    this.#rates.delete(vm);
    const run = this.#runs.get(nameOf({ vm }));
    if (run === undefined) return;
    run.restart();
    this.#arm();
  }

  /** Looks at the clock at once: it was set, or the machine slept. */
  clockChanged(): void {
    this.#due("time");
  }

  /** Returns what can be told of each policy, one subject's or all, by name. */
  *list(subject?: PolicySubject): Generator<PolicyStatus> {
    for (const name of subject === undefined ? [...this.#held.keys()].sort() : [nameOf(subject)]) {
      for (const origin of ORIGINS) {
        const held = this.#held.get(name)?.[origin];
        if (held === undefined) continue;
        const run = this.#runs.get(name);
        const mine = run?.origin === origin ? run : undefined;
        yield {
          vm: name,
          origin,
          policy: held.policy,
          inForce: mine !== undefined,
          wishes: mine?.wishes ?? new Map(),
          dueAt: mine?.dueAt,
          pps: mine?.pps,
          problem: mine?.problem,
        };
      }
    }
  }

  /** Forgets everything and stops all timers; wishes are taken back. */
  close(): void {
    for (const run of this.#runs.values()) run.stop();
    this.#runs.clear();
    this.#held.clear();
    this.#arm();
  }

  #tooOften(name: string): boolean {
    const now = this.#world.clock.monotonicMs();
    let rate = this.#rates.get(name);
    if (rate === undefined) {
      this.#rates.set(name, (rate = new TokenBucket(POLICIES.perSecond, POLICIES.burst, now)));
    }
    return !rate.take(now);
  }

  /** Puts `run` in force. Another origin's wishes go after its own are made, so that the clock does not dip. */
  #replace(run: PolicyRun, lasting: boolean): Result<void, PolicyProblem> {
    const name = nameOf(run.subject);
    const old = this.#runs.get(name);
    // Of the same origin: the new policy takes its wishes over.
    const before = old?.origin === run.origin ? old : undefined;
    if (before !== undefined) run.inherit(before);
    run.look();
    if (run.problem !== undefined && !lasting) {
      const error = run.problem;
      run.stop(before);
      before?.reassert();
      return err(error);
    }
    this.#runs.set(name, run);
    run.stand();
    old?.stop(before === undefined ? undefined : run);
    return DONE;
  }

  #due(timer: Timer): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
    for (const run of this.#runs.values()) {
      if (timer === "retry") {
        if (run.problem !== undefined) run.retry();
      } else if (timer === "time") {
        if (run.dueAt !== undefined) run.look();
      } else if (run.watch === timer) run.sample();
    }
    this.#arm();
  }

  /** Sets the timers that somebody needs and drops the others. */
  #arm(): void {
    let dueAt = Infinity;
    const needed = new Set<Timer>();
    for (const run of this.#runs.values()) {
      if (run.watch !== undefined) needed.add(run.watch);
      if (run.problem !== undefined) needed.add("retry");
      if (run.dueAt !== undefined) dueAt = Math.min(dueAt, run.dueAt);
    }
    this.#timers.get("time")?.();
    this.#timers.delete("time");
    if (dueAt !== Infinity) needed.add("time");
    for (const timer of TIMERS) {
      const running = this.#timers.get(timer);
      if (needed.has(timer) && running === undefined) {
        const ms = {
          time: this.#untilLook(dueAt),
          traffic: TRAFFIC_MS,
          branches: BRANCHES_MS,
          retry: RETRY_MS,
        }[timer];
        this.#timers.set(
          timer,
          this.#world.clock.setTimer(ms, () => this.#due(timer)),
        );
      } else if (!needed.has(timer) && running !== undefined) {
        running();
        this.#timers.delete(timer);
      }
    }
  }

  #untilLook(dueAt: number): number {
    return Math.min(Math.max(Math.ceil(dueAt - this.#world.clock.now()), 1), LOOK_MS);
  }
}
