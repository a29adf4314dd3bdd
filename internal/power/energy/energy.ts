// Joules from counters, and which part of them each VM used.

import type { Pcpu } from "../../values/units.ts";

/** A counter's zone. */
export interface EnergyZone {
  readonly id: string;
  readonly name: string;
  /** The physical package that all of its energy belongs to; undefined for zones that are a part of one, or more than one. */
  readonly package: number | undefined;
  /** The id of the zone that it is a part of. */
  readonly parent?: string | undefined;
  /** The id of the zone that counts the same; its joules are not to be added to that one's. */
  readonly sameAs?: string | undefined;
  /** Where the counter starts anew, uJ; undefined for counters that are as wide as the file. */
  readonly maxUj: number | undefined;
}

/** All counters at one moment. */
export interface EnergySample {
  /** Monotonic, ms. */
  readonly atMs: number;
  /** By zone, uJ. */
  readonly energyUj: ReadonlyMap<string, number>;
  /** Busy ticks by CPU. */
  readonly busyTicks: ReadonlyMap<Pcpu, number>;
}

/** Joules of a zone within an interval. */
export interface ZoneEnergy extends Omit<EnergyZone, "maxUj"> {
  readonly joules: number;
  readonly watts: number;
}

/** Joules of a VM within an interval. */
export interface VmEnergy {
  readonly vm: string;
  readonly cpus: readonly Pcpu[];
  readonly joules: number;
  readonly watts: number;
  /** Bounds of `joules` that follow from the tick of the busy counters, not from the method: see docs/energy.md. */
  readonly leastJoules: number;
  readonly mostJoules: number;
  /** Its share of the busy time of the packages that it runs on, 0 to 1. */
  readonly busyShare: number;
}

/**
 * Returns what a counter gained, uJ. One wrap is undone; more than one within an interval can't be seen (a package of 1 kW takes over
 * four minutes for one, at the 262 kJ that are usual). Undefined when a counter that does not wrap went back: it was reset.
 * Source: Documentation/power/powercap/powercap.rst, max_energy_range_uj.
 */
export function energyGained(before: number, after: number, maxUj: number | undefined): number | undefined {
  if (after >= before) return after - before;
  return maxUj === undefined || before > maxUj ? undefined : maxUj - before + after;
}

/** Returns the joules of each zone between two samples; zones that either lacks, or that were reset, are left out. */
export function zoneEnergies(
  zones: readonly EnergyZone[],
  from: EnergySample,
  to: EnergySample,
): ZoneEnergy[] {
  const seconds = (to.atMs - from.atMs) / 1000;
  return zones.flatMap(({ maxUj, ...zone }) => {
    const [before, after] = [from.energyUj.get(zone.id), to.energyUj.get(zone.id)];
    const gained =
      before === undefined || after === undefined ? undefined : energyGained(before, after, maxUj);
    if (gained === undefined) return [];
    const joules = gained / 1e6;
    return [{ ...zone, joules, watts: seconds > 0 ? joules / seconds : 0 }];
  });
}

/** What is known of the machine and its VMs. */
export interface Attribution {
  /** Package of each CPU. */
  readonly packageOf: ReadonlyMap<Pcpu, number>;
  readonly vms: readonly { readonly vm: string; readonly cpus: readonly Pcpu[] }[];
}

/**
 * Returns each VM's joules: of every package's joules the share that the VM's pinned CPUs have of the busy time of all of the package's
 * CPUs. A CPU that several VMs are pinned to counts for each in equal parts. A package that nobody used is nobody's.
 */
export function attribute(
  energies: readonly ZoneEnergy[],
  from: EnergySample,
  to: EnergySample,
  { packageOf, vms }: Attribution,
): VmEnergy[] {
  const seconds = (to.atMs - from.atMs) / 1000;
  const sharers = new Map<Pcpu, number>();
  for (const { cpus } of vms) for (const cpu of cpus) sharers.set(cpu, (sharers.get(cpu) ?? 0) + 1);
  const busy = (cpu: Pcpu): number =>
    Math.max(0, (to.busyTicks.get(cpu) ?? 0) - (from.busyTicks.get(cpu) ?? 0));
  const packages = new Map<number, { all: number; cpus: number }>();
  for (const [cpu, home] of packageOf) {
    const sum = packages.get(home) ?? { all: 0, cpus: 0 };
    packages.set(home, { all: sum.all + busy(cpu), cpus: sum.cpus + 1 });
  }
  return vms.map(({ vm, cpus }) => {
    let [joules, least, most, mine, all] = [0, 0, 0, 0, 0];
    for (const energy of energies) {
      const sum = energy.package === undefined ? undefined : packages.get(energy.package);
      if (!sum) continue;
      const own = cpus.filter((cpu) => packageOf.get(cpu) === energy.package);
      if (own.length === 0) continue;
      const ticks = own.reduce((total, cpu) => total + busy(cpu) / (sharers.get(cpu) ?? 1), 0);
      // Either end of an interval falls within a tick: each CPU's count is up to one tick off, its own and the others' in opposite ways.
      const off = own.reduce((total, cpu) => total + 1 / (sharers.get(cpu) ?? 1), 0);
      const others = sum.all - ticks;
      const othersOff = sum.cpus - off;
      joules += energy.joules * ratio(ticks, sum.all);
      least += energy.joules * ratio(Math.max(0, ticks - off), Math.max(0, ticks - off) + others + othersOff);
      most += energy.joules * ratio(ticks + off, ticks + off + Math.max(0, others - othersOff));
      mine += ticks;
      all += sum.all;
    }
    return {
      vm,
      cpus,
      joules,
      watts: seconds > 0 ? joules / seconds : 0,
      leastJoules: least,
      mostJoules: most,
      busyShare: ratio(mine, all),
    };
  });
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);
