// The FIFOs of a configuration on the real host: what is written into fifoN is a claim on CPU N, arbitrated like a guest's.

import { mkdirSync } from "node:fs";
import type { FifoConfig } from "../config/load.ts";
import type { Log } from "../log.ts";
import { codeOf } from "../os/error-code.ts";
import { pcpu } from "../values/units.ts";
import { explainProblem } from "../values/problem.ts";
import { Fifos } from "./fifos.ts";
import type { FifoRequest } from "./command.ts";
import type { Claimant } from "../claims/claim.ts";
import type { Ledger } from "../claims/ledger.ts";
import { coreGrant } from "../rules/ledger-desk.ts";
import type { PolicyEngine } from "../rules/engine.ts";
import type { Turns } from "../os/turns.ts";
import type { Cpufreq } from "../sysfs/cpufreq/cpufreq.ts";

/** What the FIFOs act on. */
export interface FifoHostOptions {
  readonly cpufreq: Cpufreq;
  readonly ledger: Ledger;
  readonly policies: PolicyEngine;
  readonly log: Log;
  readonly turns: Turns;
}

export class FifoHost {
  readonly #options: FifoHostOptions;
  readonly #claimant: Claimant = { slot: "guest", by: "fifo", turbo: true, limitsIn: () => ({}) };
  #fifos: Fifos | undefined;
  #config: FifoConfig | undefined;
  /** What was begun with the FIFOs, to its end. */
  #done: Promise<void> = Promise.resolve();

  constructor(options: FifoHostOptions) {
    this.#options = options;
  }

  /** Serves what `config` says, and nothing else; claims of FIFOs that go are withdrawn. */
  configure(config: FifoConfig): Promise<void> {
    if (Bun.deepEquals(config, this.#config)) return this.#done;
    this.#withdraw();
    this.#config = config;
    this.#done = this.#done.then(() => this.#open(config));
    return this.#done;
  }

  /** Withdraws what the FIFOs claim at once, then removes them. */
  stop(): Promise<void> {
    this.#withdraw();
    this.#config = undefined;
    this.#done = this.#done.then(() => this.#close());
    return this.#done;
  }

  async #open(config: FifoConfig): Promise<void> {
    await this.#close();
    if (!config.enable || config !== this.#config) return;
    const { log, turns } = this.#options;
    try {
      mkdirSync(config.dir, { recursive: true, mode: 0o755 });
    } catch (cause) {
      log.error(`Cannot make the FIFO folder "${config.dir}": ${codeOf(cause)}`);
      return;
    }
    const fifos = new Fifos({
      dir: config.dir,
      cores: config.cpus,
      mode: config.mode,
      owner: config.owner,
      group: config.group,
      turns,
      onRequest: (core, request) => this.#serve(core, request),
      onProblem: (core, why) => log.warnFolded(`fifo ${core} ${why}`, `Not served: ${why}`, { fifo: core }),
    });
    this.#fifos = fifos;
    const opened = await fifos.open();
    if (!opened.ok) {
      log.error(opened.error);
      return;
    }
    log.info("FIFOs served", { dir: config.dir, cpus: config.cpus.join(",") });
  }

  async #close(): Promise<void> {
    await this.#fifos?.close();
    this.#fifos = undefined;
  }

  #withdraw(): void {
    const { ledger, policies, log } = this.#options;
    policies.removeOwner(this.#claimant);
    for (const error of ledger.withdraw(({ claimant }) => claimant === this.#claimant))
      log.error(explainProblem(error));
  }

  #serve(core: number, { command, ignored }: FifoRequest): void {
    const { cpufreq, ledger, policies, log } = this.#options;
    const fields = { fifo: core, request: command.kind };
    const refuse = (message: string) => log.warnFolded(`fifo ${core} ${message}`, message, fields);
    if (ignored !== undefined) log.warnFolded(`fifo ${core} ${ignored}`, ignored, fields);
    switch (command.kind) {
      case "policy-remove":
        policies.remove({ fifo: core }, "guest");
        return log.debug("Served", fields);
      case "policy": {
        const policy = { ...command.policy, vcpus: [core] };
        const set = policies.set({ fifo: core }, "guest", policy, this.#claimant);
        if (!set.ok) return refuse(explainProblem(set.error));
        return log.debug("Served", fields);
      }
      case "scale": {
        const grant = coreGrant(cpufreq, core);
        if (grant === undefined) return refuse(`CPU ${core} has no cpufreq domain.`);
        if (command.step === "turbo-on" && cpufreq.domainOf(pcpu(core))?.hasTurbo !== true)
          return refuse(`CPU ${core} has no turbo frequencies.`);
        const done = ledger.step(grant, this.#claimant, command.step);
        if (!done.ok) return refuse(explainProblem(done.error));
        return log.debug("Served", fields);
      }
    }
  }
}
