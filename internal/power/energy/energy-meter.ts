// The counters of this machine in one look: RAPL, and the meters of boards.

import { all, err, ok, type Result } from "../../values/result.ts";
import type { Pcpu } from "../../values/units.ts";
import { readCpuPlaces } from "../../sysfs/cpu-place.ts";
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
  readonly packageOf: ReadonlyMap<Pcpu, number>;
  readonly #roots: MachineRoots;
  readonly #rapl: readonly PowerZone[];
  readonly #energy: readonly Sensor[];
  readonly #power: readonly Sensor[];

  constructor(
    roots: MachineRoots,
    packageOf: ReadonlyMap<Pcpu, number>,
    rapl: readonly PowerZone[],
    sensors: readonly Sensor[],
  ) {
    this.#roots = roots;
    this.packageOf = packageOf;
    this.#rapl = rapl;
    this.#energy = sensors.filter((one) => one.kind === "energy");
    this.#power = sensors.filter((one) => one.kind === "power");
    const counted = new Map<number, string>();
    this.zones = [
      ...rapl.map(({ id, name, parent, twinOf, maxEnergyUj }) => ({
        ...{ id, name, parent },
        ...homeOf(id, packageIn(name), counted),
        ...(twinOf === undefined ? {} : { sameAs: twinOf }),
        maxUj: maxEnergyUj,
      })),
      ...this.#energy.map((one) => ({
        id: idOf(one),
        name: `${one.chip} ${one.label}`,
        ...homeOf(idOf(one), socketIn(one), counted),
        maxUj: undefined,
      })),
    ];
  }

  /** Reads every counter and the CPUs' busy time now. Errors: EACCES, as RAPL's counters are root's; a meter that went away is left out. */
  sample(nowMs: number): Result<EnergySample, SysfsError> {
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
    const busyTicks = readBusyTicks(this.#roots.procRoot);
    return busyTicks.ok ? ok({ atMs: nowMs, energyUj, busyTicks: busyTicks.value }) : busyTicks;
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
  const packageOf = new Map<Pcpu, number>();
  for (const place of places) if (place.package !== undefined) packageOf.set(place.cpu, place.package);
  return ok(new EnergyMeter(roots, packageOf, rapl, sensors));
}

/** Returns why there is no meter, a sentence without a full stop. */
export const explainNoMeter = (error: NoMeter): string =>
  error.kind === "no-sensor" ? error.why : explainMeter(error);

/** Returns why a counter could not be read and, where it is root's alone, what to do; a sentence without a full stop. Source: CVE-2020-8694. */
export function explainMeter(error: SysfsError): string {
  const isRoots = error.code === "EACCES" && error.path.endsWith("/energy_uj");
  return `${explainSysfs(error)}${isRoots ? ": since Linux 5.10 these counters are root's alone; run this as root" : ""}`;
}

/** RAPL's name of a whole package. package-0-die-1 is a part: with several dies nobody knows which CPUs are whose here. */
const packageIn = (name: string): number | undefined => numberIn(/^package-(\d+)$/, name);
/** amd_energy's name of a whole socket. Source: Documentation/hwmon/amd_energy.rst. */
const socketIn = ({ chip, label }: Sensor): number | undefined =>
  chip === "amd_energy" ? numberIn(/^Esocket(\d+)$/, label) : undefined;

function numberIn(pattern: RegExp, text: string): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** A package that two meters count (RAPL by MSR and MMIO, or hwmon) is attributed by the first. @param counted that one's id, by package */
function homeOf(id: string, home: number | undefined, counted: Map<number, string>) {
  const first = home === undefined ? undefined : counted.get(home);
  if (home !== undefined && first === undefined) counted.set(home, id);
  return first === undefined ? { package: home } : { package: undefined, sameAs: first };
}

const idOf = (sensor: Sensor): string =>
  `${sensor.path.slice(sensor.path.lastIndexOf("/") + 1)}/${sensor.file}`;
