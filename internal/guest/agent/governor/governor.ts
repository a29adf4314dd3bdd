// Scales by itself what nobody scales: without it a VM without a power-aware program would never leave its first frequency.

import { readFileSync } from "node:fs";
import type { Log } from "../../../log.ts";
import { errorCode } from "../../error-code.ts";
import type { Agent } from "../agent.ts";
import type { Holder } from "../book.ts";
import { busyShare, type CpuTimes, parseCpuTimes } from "./cpu-times.ts";
import { decideLoad, type LoadRules, type LoadState, START } from "./load.ts";

/** Some vCPUs under one rule. */
export interface GovernorRules extends LoadRules {
  readonly vcpus: readonly number[];
  readonly periodMs: number;
}

/** Claims of the governor count only where no program has one. */
export const GOVERNOR: Holder = { name: "governor", lastResort: true };

/** Follows the load of its vCPUs from /proc/stat until stop(). */
export class LoadGovernor {
  readonly rules: GovernorRules;
  readonly #agent: Agent;
  readonly #path: string;
  readonly #log: Log;
  readonly #states = new Map<number, LoadState>();
  #times: ReadonlyMap<number, CpuTimes> = new Map();
  #timer: ReturnType<typeof setInterval> | undefined;
  #busy = false;

  /** @param procRoot stands for /proc */
  constructor(agent: Agent, rules: GovernorRules, procRoot: string, log: Log) {
    this.rules = rules;
    this.#agent = agent;
    this.#path = `${procRoot}/stat`;
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

  #read(): ReadonlyMap<number, CpuTimes> {
    try {
      return parseCpuTimes(readFileSync(this.#path, "utf8"));
    } catch (error) {
      this.#log.warnFolded("stat", `Cannot read "${this.#path}": ${errorCode(error)}`);
      return new Map();
    }
  }
}
