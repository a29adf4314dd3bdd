// Joules from counters, and which part of them each VM used.

import type { Pcpu } from "../../values/units.ts";

/** A counter's zone. */
export interface EnergyZone {
  readonly id: string;
  readonly name: string;
  /** The physical package that all of its energy belongs to; undefined for zones that are another part of one, or more than one. */
  readonly package: number | undefined;
  /** The die of that package whose energy it is, where each die has a counter. */
  readonly die?: number | undefined;
  /** The CPUs that use its energy; undefined for zones that are attributed to nobody. */
  readonly cpus?: readonly Pcpu[] | undefined;
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
  /** Of `joules`, what it would have drawn with nothing to do, where that is told; only what is above it is VMs'. */
  readonly idleJoules?: number;
}

/** Joules of a VM within an interval. */
export interface VmEnergy {
  readonly vm: string;
  /** CPUs that it is pinned to; none for one that floats. */
  readonly cpus: readonly Pcpu[];
  /** What its time is: that of its vCPUs' threads, or the busy time of its CPUs where no process is known. */
  readonly by: "threads" | "cpus";
  readonly joules: number;
  readonly watts: number;
  /** Bounds of `joules` that follow from the tick of the busy counters, not from the method: see docs/energy.md. */
  readonly leastJoules: number;
  readonly mostJoules: number;
  /** Its share of the busy time of the zones that it ran in, 0 to 1. */
  readonly busyShare: number;
  /** Its CPUs' part of the idle joules; what no CPU of a VM stands for is nobody's. */
  readonly idleJoules: number;
}

/** What a VM used within an interval. */
export interface VmUse {
  readonly vm: string;
  readonly cpus: readonly Pcpu[];
  /** Milliseconds of its vCPUs' threads by the CPU that they ran on; undefined where no process is known. */
  readonly usedMs: ReadonlyMap<Pcpu, number> | undefined;
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

/**
 * Returns the joules of each zone between two samples; zones that either lacks, or that were reset, are left out.
 * @param idleW watts that each attributed zone draws with nothing to do, where that is known
 */
export function zoneEnergies(
  zones: readonly EnergyZone[],
  from: EnergySample,
  to: EnergySample,
  idleW?: number,
): ZoneEnergy[] {
  const seconds = (to.atMs - from.atMs) / 1000;
  return zones.flatMap(({ maxUj, ...zone }) => {
    const [before, after] = [from.energyUj.get(zone.id), to.energyUj.get(zone.id)];
    const gained =
      before === undefined || after === undefined ? undefined : energyGained(before, after, maxUj);
    if (gained === undefined) return [];
    const joules = gained / 1e6;
    const idle =
      idleW === undefined || zone.cpus === undefined ? {} : { idleJoules: Math.min(joules, idleW * seconds) };
    return [{ ...zone, joules, watts: seconds > 0 ? joules / seconds : 0, ...idle }];
  });
}

/** A busy counter's tick, USER_HZ. Source: proc(5), /proc/stat. */
const TICK_MS = 10;

/** A VM's time in a zone, ms, and how far off it may be. */
interface Time {
  readonly ms: number;
  readonly offMs: number;
  /** Its CPUs' part of all of the zone's, 0 to 1; a CPU that several VMs are pinned to counts for each in equal parts. */
  readonly reserved: number;
}

/**
 * Returns each VM's joules: of what each zone used above idle the share that the VM's time has of the busy time of the zone's CPUs. Its time
 * is that of its vCPUs' threads; where no process is known, the busy time of its CPUs, in equal parts with others on them. What nobody
 * used is nobody's.
 */
export function attribute(
  energies: readonly ZoneEnergy[],
  from: EnergySample,
  to: EnergySample,
  vms: readonly VmUse[],
): VmEnergy[] {
  const seconds = (to.atMs - from.atMs) / 1000;
  const sharersOf = (those: readonly VmUse[]) => {
    const sharers = new Map<Pcpu, number>();
    for (const { cpus } of those) for (const cpu of cpus) sharers.set(cpu, (sharers.get(cpu) ?? 0) + 1);
    return sharers;
  };
  const all = sharersOf(vms);
  const guessed = sharersOf(vms.filter(({ usedMs }) => usedMs === undefined));
  const busyMs = (cpu: Pcpu): number =>
    TICK_MS * Math.max(0, (to.busyTicks.get(cpu) ?? 0) - (from.busyTicks.get(cpu) ?? 0));
  const sum = <T>(of: readonly T[], number: (one: T) => number) =>
    of.reduce((all, one) => all + number(one), 0);
  const found = vms.map(() => ({ joules: 0, least: 0, most: 0, mine: 0, all: 0, idle: 0 }));
  for (const { cpus = [], joules, idleJoules = 0 } of energies) {
    if (cpus.length === 0) continue;
    const here = new Set(cpus);
    const times = vms.map(({ cpus: pinned, usedMs }): Time => {
      const own = pinned.filter((cpu) => here.has(cpu));
      const part = (sharers: ReadonlyMap<Pcpu, number>) => (cpu: Pcpu) => 1 / (sharers.get(cpu) ?? 1);
      const reserved = sum(own, part(all)) / cpus.length;
      if (usedMs !== undefined)
        return { ms: sum([...here], (cpu) => usedMs.get(cpu) ?? 0), offMs: 0, reserved };
      const share = part(guessed);
      // Either end of an interval falls within a tick: each CPU's count is up to one tick off.
      return { ms: sum(own, (cpu) => busyMs(cpu) * share(cpu)), offMs: TICK_MS * sum(own, share), reserved };
    });
    // Threads are counted more finely than CPUs are: their sum may come to more.
    const busy = Math.max(
      sum(cpus, busyMs),
      sum(times, ({ ms }) => ms),
    );
    const active = joules - idleJoules;
    for (const [n, { ms, offMs, reserved }] of times.entries()) {
      const one = found[n] as (typeof found)[number];
      const [others, othersOff] = [busy - ms, TICK_MS * cpus.length - offMs];
      const fewest = Math.max(0, ms - offMs);
      one.joules += active * ratio(ms, busy);
      one.least += active * ratio(fewest, fewest + others + othersOff);
      one.most += active * ratio(ms + offMs, ms + offMs + Math.max(0, others - othersOff));
      one.idle += idleJoules * reserved;
      if (ms === 0 && reserved === 0) continue;
      one.mine += ms;
      one.all += busy;
    }
  }
  return vms.map(({ vm, cpus, usedMs }, n) => {
    const { joules, least, most, mine, all, idle } = found[n] as (typeof found)[number];
    return {
      vm,
      cpus,
      by: usedMs === undefined ? "cpus" : "threads",
      joules,
      watts: seconds > 0 ? joules / seconds : 0,
      leastJoules: least,
      mostJoules: most,
      busyShare: ratio(mine, all),
      idleJoules: idle,
    };
  });
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);
