// What the machine's CPUs do, read only while somebody looks: a piece at a time, at most once a second.

import { SpareTime } from "../os/spare-time.ts";
import { readBusyTicks } from "../sysfs/cpu-time.ts";
import type { Domain } from "../sysfs/cpufreq/cpufreq.ts";
import { Measuring } from "../sysfs/cpufreq/measuring.ts";
import type { MachineRoots } from "../sysfs/cpufreq/originals.ts";
import { findThermometers, readThermometer, type Thermometer } from "../sysfs/hwmon.ts";
import type { DomainId, Khz, Pcpu } from "../values/units.ts";
import { type PackageJoules, PackageMeter } from "./energy/package-meter.ts";

/** What a clock does beside what powermon told it. */
interface ClockLook {
  /** What the kernel holds while nobody claims it, kHz: a speed, or an upper limit. */
  readonly heldKhz?: Khz | undefined;
  readonly governor?: string | undefined;
  /** What the hardware ran at, where that can be read at nobody's cost and a CPU of it is busy. */
  readonly measuredKhz?: Khz | undefined;
}

/** The machine at one moment. */
export interface MachineSample {
  /** Date.now(). */
  readonly at: number;
  /** Seconds that each online CPU was busy since it booted. */
  readonly busyS: ReadonlyMap<Pcpu, number>;
  readonly clocks: ReadonlyMap<DomainId, ClockLook>;
  /** Whether the machine tells what busy clocks run at. */
  readonly measures: boolean;
  readonly packages: readonly PackageJoules[];
  readonly temperatures: readonly { readonly name: string; readonly celsius: number }[];
}

/** A look younger than this is shared, in ms: who asks once a second gets another one each time. */
const FRESH_MS = 900;
/** Clocks that are read in one piece, some 20 us each; the guests have their turn in between. */
const PIECE = 16;
/** A busy counter's tick. Source: proc(5), /proc/stat, USER_HZ. */
const TICKS_PER_S = 100;
/** A CPU that was busy for this part of the time is awake often enough to be measured. */
const BUSY = 0.1;

/** The meters of a machine, found at the first look. */
interface Meters {
  readonly measuring: Measuring;
  readonly measures: boolean;
  readonly packages: PackageMeter | undefined;
  readonly thermometers: readonly Thermometer[];
}

export class MachineLook {
  readonly #roots: MachineRoots;
  readonly #domains: () => readonly Domain[];
  readonly #spare: SpareTime;
  #meters: Meters | undefined;
  #last: MachineSample | undefined;
  #under: Promise<MachineSample> | undefined;

  /** @param domains returns the clocks there are @param spare the time that reading may take beside the guests */
  constructor(roots: MachineRoots, domains: () => readonly Domain[], spare = new SpareTime()) {
    this.#roots = roots;
    this.#domains = domains;
    this.#spare = spare;
  }

  /** Resolves to the machine as it is, or was less than a second ago; all who ask meanwhile share one look. */
  look(): Promise<MachineSample> {
    const last = this.#last;
    if (last !== undefined && Math.abs(Date.now() - last.at) < FRESH_MS) return Promise.resolve(last);
    this.#under ??= this.#read(last).finally(() => (this.#under = undefined));
    return this.#under;
  }

  async #read(last: MachineSample | undefined): Promise<MachineSample> {
    const spare = this.#spare;
    const meters = (this.#meters ??= await this.#find());
    const { at, busyS } = await spare.run(() => ({ at: Date.now(), busyS: this.#busy() }));
    const isBusy = (cpu: Pcpu) =>
      last !== undefined &&
      (busyS.get(cpu) ?? 0) - (last.busyS.get(cpu) ?? Infinity) > (BUSY * (at - last.at)) / 1000;
    const domains = this.#domains();
    const clocks = new Map<DomainId, ClockLook>();
    for (let first = 0; first < domains.length; first += PIECE) {
      const piece = domains.slice(first, first + PIECE);
      await spare.run(() => {
        for (const domain of piece) clocks.set(domain.id, lookAt(domain, meters.measuring, isBusy));
      });
    }
    const packages = await spare.run(() => meters.packages?.read() ?? []);
    const temperatures = await spare.run(() =>
      meters.thermometers.flatMap((one) => {
        const celsius = readThermometer(one);
        return celsius === undefined ? [] : [{ name: one.name, celsius }];
      }),
    );
    const { measures } = meters;
    this.#last = { at, busyS, clocks, measures, packages, temperatures };
    return this.#last;
  }

  async #find(): Promise<Meters> {
    const { sysfsRoot } = this.#roots;
    const measuring = await this.#spare.run(() => new Measuring(this.#roots));
    const measures = await this.#spare.run(() => measuring.canRead(this.#domains()));
    const packages = await this.#spare.run(() => PackageMeter.open(this.#roots));
    const thermometers = await this.#spare.run(() => findThermometers(sysfsRoot));
    return { measuring, measures, packages, thermometers: thermometers.ok ? thermometers.value : [] };
  }

  #busy(): ReadonlyMap<Pcpu, number> {
    const ticks = readBusyTicks(this.#roots.procRoot);
    return new Map([...(ticks.ok ? ticks.value : [])].map(([cpu, count]) => [cpu, count / TICKS_PER_S]));
  }
}

function lookAt(domain: Domain, measuring: Measuring, isBusy: (cpu: Pcpu) => boolean): ClockLook {
  const measured = domain.pcpus.some(isBusy) ? measuring.read(domain) : undefined;
  const look: ClockLook = measured === undefined ? {} : { measuredKhz: measured };
  if (domain.target !== undefined) return look;
  const held = domain.current();
  return { ...look, governor: domain.governor(), heldKhz: held.ok ? held.value : undefined };
}
