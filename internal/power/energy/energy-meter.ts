// The counters of this machine in one look: RAPL, and the meters of boards.

import { all, err, ok, type Result } from "../../values/result.ts";
import { type CpuPlace, readCpuPlaces } from "../../sysfs/cpu-place.ts";
import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { readBusyTicks } from "../../sysfs/cpu-time.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { findSensors, readSensor, type Sensor } from "../../sysfs/hwmon.ts";
import { type PowerZone, readEnergy, readPowerZones } from "../../sysfs/powercap.ts";
import type { EnergySample, EnergyZone } from "./energy.ts";

/** A momentary power sensor; it is shown and never turned into joules. */
export interface PowerReading {
  /** Folder and file below hwmon. */
  readonly id: string;
  readonly name: string;
  readonly watts: number;
}

/** Why there is no meter. */
export type NoMeter = { readonly kind: "no-sensor"; readonly why: string } | SysfsError;

/** The energy counters of a machine. */
export class EnergyMeter {
  readonly zones: readonly EnergyZone[];
  readonly #roots: MachineRoots;
  readonly #rapl: readonly PowerZone[];
  readonly #energy: readonly Sensor[];
  readonly #power: readonly Sensor[];

  constructor(
    roots: MachineRoots,
    places: readonly CpuPlace[],
    rapl: readonly PowerZone[],
    sensors: readonly Sensor[],
  ) {
    this.#roots = roots;
    this.#rapl = rapl;
    this.#energy = sensors.filter((one) => one.kind === "energy");
    this.#power = sensors.filter((one) => one.kind === "power");
    const homes = new Homes(places);
    this.zones = [
      ...rapl.map(({ id, name, parent, twinOf, maxEnergyUj }) => ({
        ...{ id, name, parent },
        ...homes.of(id, packageIn(name)),
        ...(twinOf === undefined ? {} : { sameAs: twinOf }),
        maxUj: maxEnergyUj,
      })),
      ...this.#energy.map((one) => ({
        id: idOf(one),
        name: `${one.chip} ${one.label}`,
        ...homes.of(idOf(one), socketIn(one)),
        maxUj: undefined,
      })),
    ];
  }

  /** Reads every counter and the CPUs' busy time now. Errors: EACCES, as RAPL's counters are root's; a meter that went away is left out. */
  sample(nowMs: number): Result<EnergySample, SysfsError> {
    const energyUj = this.energyUj();
    if (!energyUj.ok) return energyUj;
    const busyTicks = readBusyTicks(this.#roots.procRoot);
    return busyTicks.ok
      ? ok({ atMs: nowMs, energyUj: energyUj.value, busyTicks: busyTicks.value })
      : busyTicks;
  }

  /** Reads every counter, uJ by zone. Errors: as sample(). */
  energyUj(): Result<ReadonlyMap<string, number>, SysfsError> {
    const energyUj = new Map<string, number>();
    for (const zone of this.#rapl) {
      const energy = readEnergy(zone);
      if (energy.ok) energyUj.set(zone.id, energy.value);
      else if (energy.error.code === "EACCES") return energy;
    }
    for (const sensor of this.#energy) {
      const energy = readSensor(sensor);
      if (energy.ok && energy.value !== undefined) energyUj.set(idOf(sensor), energy.value);
    }
    return ok(energyUj);
  }

  /** Reads the momentary power sensors. */
  readings(): PowerReading[] {
    return this.#power.flatMap((sensor) => {
      const found = readSensor(sensor);
      return found.ok && found.value !== undefined
        ? [{ id: idOf(sensor), name: `${sensor.chip} ${sensor.label}`, watts: found.value / 1e6 }]
        : [];
    });
  }
}

/** Opens the meter of a machine. Errors: no-sensor where nothing counts energy or shows power. */
export function openEnergyMeter(roots: MachineRoots): Result<EnergyMeter, NoMeter> {
  const read = all({
    zones: readPowerZones(roots.sysfsRoot),
    sensors: findSensors(roots.sysfsRoot),
    places: readCpuPlaces(roots.sysfsRoot),
  });
  if (!read.ok) return read;
  const { zones, sensors, places } = read.value;
  const rapl = zones.filter((zone) => zone.maxEnergyUj !== undefined);
  if (rapl.length === 0 && sensors.length === 0)
    return err({
      kind: "no-sensor",
      why: `this machine shows no energy counter: nothing in ${roots.sysfsRoot}/class/powercap (RAPL, on x86: is intel_rapl_msr loaded? a VM has none) and no energy or power sensor in ${roots.sysfsRoot}/class/hwmon`,
    });
  return ok(new EnergyMeter(roots, places, rapl, sensors));
}

/** Returns why there is no meter, a sentence without a full stop. */
export const explainNoMeter = (error: NoMeter): string =>
  error.kind === "no-sensor" ? error.why : explainMeter(error);

/** Returns why a counter could not be read and, where it is root's alone, what to do; a sentence without a full stop. Source: CVE-2020-8694. */
export function explainMeter(error: SysfsError): string {
  const isRoots = error.code === "EACCES" && error.path.endsWith("/energy_uj");
  return `${explainSysfs(error)}${isRoots ? ": since Linux 5.10 these counters are root's alone; run this as root" : ""}`;
}

/** What a counter's name says of the energy that it counts. */
interface Named {
  readonly package: number;
  readonly die?: number;
}

/** RAPL's names of a whole package, or of one of several dies of it. Source: drivers/powercap/intel_rapl_common.c, rapl_add_package. */
export function packageIn(name: string): Named | undefined {
  const [, home, die] = /^package-(\d{1,5})(?:-die-(\d{1,5}))?$/.exec(name) ?? [];
  if (home === undefined) return undefined;
  return { package: Number(home), ...(die !== undefined && { die: Number(die) }) };
}

/** amd_energy's name of a whole socket. Source: Documentation/hwmon/amd_energy.rst. */
export function socketIn({ chip, label }: Sensor): Named | undefined {
  const socket = chip === "amd_energy" ? /^Esocket(\d{1,5})$/.exec(label)?.[1] : undefined;
  return socket === undefined ? undefined : { package: Number(socket) };
}

/** Whose CPUs' energy a counter counts. What two count (RAPL by MSR and MMIO, or hwmon) is attributed by the first. */
class Homes {
  readonly #places: readonly CpuPlace[];
  /** The first counter's id, by package and die. */
  readonly #counted = new Map<string, string>();

  constructor(places: readonly CpuPlace[]) {
    this.#places = places;
  }

  of(id: string, named: Named | undefined): Pick<EnergyZone, "package" | "die" | "cpus" | "sameAs"> {
    if (named === undefined) return { package: undefined };
    const { package: home, die } = named;
    const key = `${home} ${die ?? ""}`;
    const first = this.#counted.get(key);
    if (first !== undefined) return { package: undefined, sameAs: first };
    // A package and its dies count the same in other parts.
    const isPart = [...this.#counted.keys()].some((other) =>
      die === undefined ? other.startsWith(key) : other === `${home} `,
    );
    if (isPart) return { package: undefined };
    this.#counted.set(key, id);
    const cpus = this.#places
      .filter((place) => place.package === home && (die === undefined || place.die === die))
      .map(({ cpu }) => cpu);
    return { package: home, ...(die !== undefined && { die }), cpus };
  }
}

const idOf = (sensor: Sensor): string =>
  `${sensor.path.slice(sensor.path.lastIndexOf("/") + 1)}/${sensor.file}`;
