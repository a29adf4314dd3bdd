// The joules of whole packages, counted on for as long as somebody looks.

import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { findSensors } from "../../sysfs/hwmon.ts";
import { readPowerZones } from "../../sysfs/powercap.ts";
import { energyGained } from "./energy.ts";
import { EnergyMeter, packageIn, socketIn } from "./energy-meter.ts";

/** A package's joules since somebody looked first. */
export interface PackageJoules {
  readonly name: string;
  readonly joules: number;
}

/** Counts the packages' joules over wraps of their counters. Who looks less often than a counter wraps misses that round. */
export class PackageMeter {
  readonly #meter: EnergyMeter;
  readonly #counts = new Map<string, { readonly uj: number; readonly sumUj: number }>();

  private constructor(meter: EnergyMeter) {
    this.#meter = meter;
  }

  /** Opens the counters of this machine's packages; undefined where it shows none. Nothing of CPUs is read. */
  static open(roots: MachineRoots): PackageMeter | undefined {
    const zones = readPowerZones(roots.sysfsRoot);
    const sensors = findSensors(roots.sysfsRoot);
    if (!zones.ok || !sensors.ok) return undefined;
    const rapl = zones.value.filter(
      ({ maxEnergyUj, name }) => maxEnergyUj !== undefined && packageIn(name) !== undefined,
    );
    const sockets = sensors.value.filter((one) => one.kind === "energy" && socketIn(one) !== undefined);
    const meter = new EnergyMeter(roots, [], rapl, sockets);
    return meter.zones.some((zone) => zone.package !== undefined) ? new PackageMeter(meter) : undefined;
  }

  /** Reads the counters now; those that can't be read are left out. */
  read(): readonly PackageJoules[] {
    const now = this.#meter.energyUj();
    if (!now.ok) return [];
    return this.#meter.zones.flatMap(({ id, name, package: home, maxUj }) => {
      const uj = now.value.get(id);
      if (home === undefined || uj === undefined) return [];
      const before = this.#counts.get(id) ?? { uj, sumUj: 0 };
      const sumUj = before.sumUj + (energyGained(before.uj, uj, maxUj) ?? 0);
      this.#counts.set(id, { uj, sumUj });
      return [{ name, joules: sumUj / 1e6 }];
    });
  }
}
