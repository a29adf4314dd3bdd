// Everything the host can do about power, in one report.

import { type Result } from "../../values/result.ts";
import type { Pcpu } from "../../values/units.ts";
import { type CpuPlace, readCpuPlaces } from "../../sysfs/cpu-place.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { type NumaNode, readNumaNodes } from "../../sysfs/numa.ts";
import { explainMeter } from "../energy/energy-meter.ts";
import { type PowerZone, readEnergy, readPowerZones } from "../../sysfs/powercap.ts";
import { cpuRootOf, type MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { readCpuList, Topology } from "../../sysfs/topology.ts";
import {
  type CpuidleCapabilities,
  type EpbCapability,
  readCpuidleCapabilities,
  readEpbCapability,
  readUncoreCapabilities,
  type UncoreCapability,
} from "./capability-cpu.ts";
import { type CpufreqCapabilities, readCpufreqCapabilities } from "./capability-cpufreq.ts";
import { readSleepCapabilities, type SleepCapabilities } from "./capability-sleep.ts";
import { type Item, uncontrollable } from "./item.ts";
import type { Logind } from "../sleep/logind.ts";

/** One powercap zone; energy in microjoules, limits in microwatts. */
export type ZoneCapability = Item &
  Pick<PowerZone, "id" | "name" | "parent" | "twinOf" | "enabled" | "maxEnergyUj" | "limits"> & {
    readonly energyUj?: number | undefined;
    /** Why the counter can't be read. */
    readonly energyWhy?: string | undefined;
  };

/** Where CPUs and memory sit. */
interface TopologyReport {
  readonly cpus: readonly CpuPlace[];
  readonly nodes: readonly NumaNode[];
  /** CPUs that the scheduler leaves alone (isolcpus=). */
  readonly isolated: readonly Pcpu[];
}

/** The report; a part that could not be read is absent and stands in `problems`. */
export interface HostCapabilities {
  /** The kernel's name of the architecture, such as x86_64. */
  readonly arch: string;
  readonly sleep?: SleepCapabilities | undefined;
  readonly cpufreq?: CpufreqCapabilities | undefined;
  readonly cpuidle?: CpuidleCapabilities | undefined;
  readonly epb?: EpbCapability | undefined;
  readonly uncore?: readonly UncoreCapability[] | undefined;
  readonly powercap?: readonly ZoneCapability[] | undefined;
  readonly topology?: TopologyReport | undefined;
  readonly problems: readonly string[];
}

/**
 * Reads what the host can do. Nothing is written. One broken file costs its part only.
 * @param arch as uname -m says it
 * @param logind what logind said, when one runs
 */
export function readHostCapabilities(roots: MachineRoots, arch: string, logind?: Logind): HostCapabilities {
  const problems: string[] = [];
  const part = <T>(result: Result<T, SysfsError>): T | undefined => {
    if (result.ok) return result.value;
    problems.push(explainSysfs(result.error));
    return undefined;
  };
  const { sysfsRoot } = roots;
  const cpuRoot = cpuRootOf(roots);
  const online = part(new Topology(sysfsRoot).online()) ?? [];
  const sleep = part(readSleepCapabilities(roots, logind));
  const cpufreq = part(readCpufreqCapabilities(cpuRoot, roots.procRoot));
  const cpuidle = part(readCpuidleCapabilities(cpuRoot, online));
  const epb = part(readEpbCapability(cpuRoot, online));
  const uncore = part(readUncoreCapabilities(cpuRoot));
  const powercap = part(readPowerZones(sysfsRoot))?.map(zoneOf);
  const cpus = part(readCpuPlaces(sysfsRoot));
  const nodes = part(readNumaNodes(sysfsRoot)) ?? [];
  const isolated = part(readCpuList(new AttrDir(cpuRoot), "isolated")) ?? [];
  const topology = cpus && { cpus, nodes, isolated };
  return { arch, sleep, cpufreq, cpuidle, epb, uncore, powercap, topology, problems };
}

function zoneOf(zone: PowerZone): ZoneCapability {
  const energy = zone.maxEnergyUj === undefined ? undefined : readEnergy(zone);
  const { id, name, parent, twinOf, enabled, maxEnergyUj, limits } = zone;
  return {
    id,
    name,
    parent,
    twinOf,
    enabled,
    maxEnergyUj,
    limits,
    ...uncontrollable("powermon reads energy and power limits and sets none"),
    energyUj: energy?.ok ? energy.value : undefined,
    energyWhy: energy?.ok === false ? explainMeter(energy.error) : undefined,
  };
}
