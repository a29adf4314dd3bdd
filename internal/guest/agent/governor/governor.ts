// Scales by itself what nobody else scales, by the load of the vCPUs.

import type { Log } from "../../../log.ts";
import type { Agent } from "../agent.ts";
import type { Holder } from "../book.ts";
import { busyShare, type CpuTimes } from "./cpu-times.ts";
import { decideLoad, type LoadRules, type LoadState, START } from "./load.ts";

/** Some vCPUs under one rule. */
export interface GovernorRules extends LoadRules {
  readonly vcpus: readonly number[];
  readonly periodMs: number;
}

/** Claims of the governor count only where no program has one. */
const GOVERNOR: Holder = { name: "governor", lastResort: true };

/** Where the times of all vCPUs come from: the kernel, or the programs on them. */
export type ReadTimes = () => ReadonlyMap<number, CpuTimes>;

/** Follows how busy its vCPUs are until stop(). */
export class Governor {
  readonly rules: GovernorRules;
  readonly #agent: Agent;
  readonly #read: ReadTimes;
  readonly #log: Log;
  readonly #states = new Map<number, LoadState>();
  #times: ReadonlyMap<number, CpuTimes> = new Map();
  #timer: ReturnType<typeof setInterval> | undefined;
  #busy = false;

  constructor(agent: Agent, rules: GovernorRules, read: ReadTimes, log: Log) {
    this.rules = rules;
    this.#agent = agent;
    this.#read = read;
    this.#log = log;
  }

  start(): void {
    this.#times = this.#read();
    this.#timer = setInterval(() => void this.sample(performance.now()), this.rules.periodMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads once and moves what is to be moved; does nothing while the last moves are still under way. */
  async sample(nowMs: number): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const before = this.#times;
      this.#times = this.#read();
      await Promise.all(this.rules.vcpus.map((vcpu) => this.#decide(vcpu, before.get(vcpu), nowMs)));
    } finally {
      this.#busy = false;
    }
  }

  async #decide(vcpu: number, before: CpuTimes | undefined, nowMs: number): Promise<void> {
    const after = this.#times.get(vcpu);
    const share = before && after && busyShare(before, after);
    if (share === undefined) return;
    const { state, move } = decideLoad(this.rules, this.#states.get(vcpu) ?? START, share, nowMs);
    this.#states.set(vcpu, state);
    if (move === "hold") return;
    const done = await this.#agent.nudge(GOVERNOR, vcpu, move);
    if (!done.ok) this.#log.debug("The governor was not heard", { vcpu, move, why: done.error.kind });
  }
}
