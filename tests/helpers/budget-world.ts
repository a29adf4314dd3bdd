// A host with a power budget on a machine of files whose clocks cost watts, in virtual time.

import { writeFileSync } from "node:fs";
import { HostPower } from "../../internal/daemon/host-power.ts";
import type { HostBudget } from "../../internal/daemon/budget/host-budget.ts";
import { TestClock } from "../rules/policy-world.ts";
import { DmaLatency } from "../../internal/power/profiles/dma-latency.ts";
import type { EnterSleep } from "../../internal/power/sleep/enter-sleep.ts";
import { Lab } from "./lab.ts";
import { type Load, ModelMachine, setLoad } from "./model-machine.ts";

/** hi on pCPUs 0 and 1, no on 2 and 3, lo on 4 to 7. */
export const VMS = {
  pinning: { sources: ["static"] },
  vm: {
    hi: { pins: { 0: 0, 1: 1 }, priority: "high" },
    no: { pins: { 0: 2, 1: 3 } },
    lo: { pins: { 0: 4, 1: 5, 2: 6, 3: 7 }, priority: "low" },
  },
} as const;

/** How long the model's time is one piece, ms. */
const TICK_MS = 50;

export class BudgetWorld {
  readonly lab = new Lab("acpi-cpufreq-8cpu-independent");
  readonly clock = new TestClock("2026-11-28T12:00:00Z");
  readonly machine: ModelMachine;
  readonly power: HostPower;
  readonly #load: string;
  /** What was drawn in each second that passed, W. */
  readonly seconds: number[] = [];

  /** @param says the configuration @param load of its beginning @param watts of the machine @param prepare changes its tree before the host looks @param enter sleeps instead of the kernel */
  constructor(
    says: object,
    load: Load = { busy: [1] },
    watts: ConstructorParameters<typeof ModelMachine>[3] = { noiseWatts: 0 },
    prepare: (lab: Lab) => void = () => {},
    enter?: EnterSleep,
  ) {
    const { tree } = this.lab;
    for (let cpu = 0; cpu < 8; cpu++) {
      writeFileSync(this.lab.path(cpu, "scaling_governor"), "performance\n");
      writeFileSync(this.lab.path(cpu, "scaling_setspeed"), "<unsupported>\n");
    }
    this.#load = `${tree.root}/load`;
    setLoad(this.#load, load);
    this.machine = new ModelMachine(tree.sys, tree.proc, this.#load, watts);
    writeFileSync(`${tree.root}/latency`, "");
    prepare(this.lab);
    const host = this.lab.start(says);
    this.power = new HostPower(host, {
      roots: this.lab.roots,
      latency: new DmaLatency(`${tree.root}/latency`),
      clock: this.clock,
      ...(enter && { enter }),
    });
    this.power.start();
  }

  get budget(): HostBudget {
    return this.power.budget;
  }

  /** Another load from now on. */
  load(load: Load): void {
    setLoad(this.#load, load);
  }

  /** Lets seconds pass, and the host look as often as it wants to. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      let sum = 0;
      for (let ms = 0; ms < 1000; ms += TICK_MS) {
        sum += this.machine.step(TICK_MS);
        this.clock.pass(TICK_MS);
      }
      this.seconds.push((sum * TICK_MS) / 1000);
    }
  }

  /** The upper limits of all clocks, kHz. */
  get ceilings(): readonly number[] {
    return Array.from({ length: 8 }, (_, cpu) => Number(this.lab.attribute(cpu, "scaling_max_freq")));
  }

  end(): void {
    this.budget.stop();
    this.machine.close();
    this.lab.end();
  }
}
