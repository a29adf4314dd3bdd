// What the host can do about idle states, energy hints, the uncore clock and where its CPUs sit: one report of the rest.

import { formatCpuList } from "../../values/cpulist.ts";
import { ok, type Result } from "../../values/result.ts";
import type { Pcpu } from "../../values/units.ts";
import { type IdleState, readCpuidle, readIdleStates } from "../../sysfs/cpuidle.ts";
import { readEpb } from "../../sysfs/energy-bias.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { readResumeLatency } from "../../sysfs/resume-latency.ts";
import { readUncore } from "../../sysfs/uncore.ts";
import { type Item, itemAt, uncontrollable } from "./item.ts";

/** One idle state on all CPUs that have it alike; usage and time are sums. */
interface IdleCapability extends Item, Omit<IdleState, "disabled"> {
  readonly cpus: string;
  /** The CPUs it is disabled on; empty when on none. */
  readonly disabledCpus: string;
}

/** Idle states and the latency limits on them. */
export interface CpuidleCapabilities extends Item {
  readonly driver?: string | undefined;
  readonly governor?: string | undefined;
  readonly governors: readonly string[];
  readonly states: readonly IdleCapability[];
  /** Per-CPU limits that are set, microseconds. */
  readonly latency: Item & {
    readonly limits: readonly { readonly cpus: string; readonly limitUs: number }[];
  };
}

/** Groups of CPUs with one energy and performance bias, 0 to 15. */
export type EpbCapability = Item & {
  readonly values: readonly { readonly cpus: string; readonly epb: number }[];
};

/** Clock limits outside of the cores, kHz. */
export interface UncoreCapability extends Item {
  readonly name: string;
  /** Where it is and what it serves, as far as the kernel says. */
  readonly package?: number | undefined;
  readonly die?: number | undefined;
  readonly agents?: readonly string[];
  readonly minKhz: number;
  readonly maxKhz: number;
  readonly initialMinKhz: number;
  readonly initialMaxKhz: number;
  readonly currentKhz?: number | undefined;
}

/** Reads the idle states of `cpus`. Errors: as AttrDir.read. */
export function readCpuidleCapabilities(
  cpuRoot: string,
  cpus: readonly Pcpu[],
): Result<CpuidleCapabilities, SysfsError> {
  const idle = readCpuidle(cpuRoot);
  if (!idle.ok) return idle;
  const found: { readonly cpu: Pcpu; readonly state: IdleState }[] = [];
  for (const cpu of cpus) {
    const states = readIdleStates(cpuRoot, cpu);
    if (!states.ok) return states;
    found.push(...states.value.map((state) => ({ cpu, state })));
  }
  const alike = Map.groupBy(found, ({ state: { index, name, latencyUs, residencyUs } }) =>
    [index, name, latencyUs, residencyUs].join(),
  );
  const states = [...alike.values()].flatMap((group): IdleCapability[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { index, name, desc, latencyUs, residencyUs } = first.state;
    const sum = (count: "usage" | "timeUs") => group.reduce((total, { state }) => total + state[count], 0);
    const cpusOf = (some: typeof found) => formatCpuList(some.map(({ cpu }) => cpu));
    return [
      {
        ...{ index, name, desc, latencyUs, residencyUs },
        ...itemAt(cpuRoot, { knob: "idle state", cpu: first.cpu, state: index }),
        usage: sum("usage"),
        timeUs: sum("timeUs"),
        cpus: cpusOf(group),
        disabledCpus: cpusOf(group.filter(({ state }) => state.disabled)),
      },
    ];
  });
  const item =
    states[0] ??
    uncontrollable(
      idle.value === undefined
        ? "the kernel has no cpuidle"
        : "no cpuidle driver runs: idle CPUs only halt, there is nothing to limit",
    );
  return ok({
    controllable: item.controllable,
    ...(item.why !== undefined && { why: item.why }),
    driver: idle.value?.driver,
    governor: idle.value?.governor,
    governors: idle.value?.governors ?? [],
    states,
    latency: readLatency(cpuRoot, cpus),
  });
}

function readLatency(cpuRoot: string, cpus: readonly Pcpu[]): CpuidleCapabilities["latency"] {
  const byLimit = Map.groupBy(cpus, (cpu) => {
    const found = readResumeLatency(cpuRoot, cpu);
    return found.ok ? found.value?.limitUs : undefined;
  });
  const [first] = cpus;
  return {
    ...(first === undefined
      ? uncontrollable("no CPU is online")
      : itemAt(cpuRoot, { knob: "latency", cpu: first })),
    limits: [...byLimit].flatMap(([limitUs, list]) =>
      limitUs === undefined ? [] : [{ cpus: formatCpuList(list), limitUs }],
    ),
  };
}

/** Reads the energy and performance bias of `cpus`. Errors: as readEpb. */
export function readEpbCapability(cpuRoot: string, cpus: readonly Pcpu[]): Result<EpbCapability, SysfsError> {
  const byValue = new Map<number, Pcpu[]>();
  for (const cpu of cpus) {
    const epb = readEpb(cpuRoot, cpu);
    if (!epb.ok) return epb;
    if (epb.value !== undefined) byValue.set(epb.value, [...(byValue.get(epb.value) ?? []), cpu]);
  }
  const values = [...byValue].map(([epb, list]) => ({ cpus: formatCpuList(list), epb }));
  const some = [...byValue.values()][0]?.[0];
  return ok({
    ...(some === undefined
      ? uncontrollable("the CPUs have no energy and performance bias hint")
      : itemAt(cpuRoot, { knob: "epb", cpu: some })),
    values,
  });
}

/** Reads the uncore's clock limits. Errors: as readUncore. */
export function readUncoreCapabilities(cpuRoot: string): Result<UncoreCapability[], SysfsError> {
  const found = readUncore(cpuRoot);
  if (!found.ok) return found;
  return ok(
    found.value.map((one) => ({
      name: one.name,
      ...itemAt(cpuRoot, { knob: "uncore ceiling", uncore: one.name }),
      package: one.home,
      die: one.die,
      ...(one.agents.length > 0 && { agents: one.agents }),
      minKhz: one.min,
      maxKhz: one.max,
      initialMinKhz: one.initialMin,
      initialMaxKhz: one.initialMax,
      currentKhz: one.current,
    })),
  );
}
