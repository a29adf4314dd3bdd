// What a sleep left behind: how long it was, what ended it, which device refused.

import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { AttrDir, readText } from "../../sysfs/attr.ts";
import { readSuspendStats, readWakeEvents, readWakeIrq, type SuspendStats } from "../../sysfs/power-state.ts";
import type { WakeClock } from "../../sysfs/wake-alarm.ts";

/** The counters at one moment. */
export interface Moment {
  /** Seconds since boot with sleep (CLOCK_BOOTTIME); undefined when it can't be read. */
  readonly bootS: number | undefined;
  /** Seconds that stand still in sleep (CLOCK_MONOTONIC). */
  readonly awakeS: number;
  readonly clockS: number | undefined;
  readonly stats: SuspendStats | undefined;
  readonly events: ReadonlyMap<string, number>;
}

/** How a sleep went. */
export interface SleepRecord {
  /** Seconds asleep by the kernel's clocks; undefined when they can't be read. */
  readonly sleptS: number | undefined;
  /** Seconds by the real-time clock, whole ones, the time awake around the sleep included. */
  readonly clockS: number | undefined;
  /** Who woke it, a phrase. */
  readonly wokenBy: string;
  readonly wakeIrq: number | undefined;
  /** Sources that counted a wake-up event meanwhile. */
  readonly sources: readonly string[];
  /** Only when the kernel counted a failure meanwhile. */
  readonly failure: SuspendStats["failure"] | undefined;
}

/** Reads the counters now. */
export function momentNow({ sysfsRoot, procRoot }: MachineRoots, clock: WakeClock | undefined): Moment {
  const uptime = new AttrDir(procRoot).read("uptime");
  const words = /^(\d+\.\d+) /.exec((uptime.ok && uptime.value) || "");
  const now = clock?.now();
  const stats = readSuspendStats(sysfsRoot);
  return {
    bootS: words ? Number(words[1]) : undefined,
    awakeS: performance.now() / 1000,
    clockS: now?.ok ? now.value : undefined,
    stats: stats.ok ? stats.value : undefined,
    events: readWakeEvents(sysfsRoot),
  };
}

/** Returns what happened between two moments. `alarmS` is the alarm in the clock's seconds. Source: Documentation/ABI/testing/sysfs-power, pm_wakeup_irq. */
export function recordOf(
  roots: MachineRoots,
  before: Moment,
  after: Moment,
  alarmS: number | undefined,
): SleepRecord {
  const slept =
    before.bootS === undefined || after.bootS === undefined
      ? undefined
      : Math.max(0, after.bootS - before.bootS - (after.awakeS - before.awakeS));
  const sources = [...after.events]
    .filter(([name, count]) => count > (before.events.get(name) ?? 0))
    .map(([name]) => name);
  const wakeIrq = readWakeIrq(roots.sysfsRoot);
  const rang = alarmS !== undefined && after.clockS !== undefined && after.clockS >= alarmS;
  const rose = (count: "fail" | "success") => (after.stats?.[count] ?? 0) > (before.stats?.[count] ?? 0);
  // A try that failed and was repeated with success is none.
  const failed = rose("fail") && !rose("success");
  return {
    sleptS: slept === undefined ? undefined : Math.round(slept * 100) / 100,
    clockS:
      before.clockS === undefined || after.clockS === undefined ? undefined : after.clockS - before.clockS,
    wokenBy: wokenBy(roots.procRoot, rang, sources, wakeIrq),
    wakeIrq,
    sources,
    failure: failed ? after.stats?.failure : undefined,
  };
}

function wokenBy(
  procRoot: string,
  rang: boolean,
  sources: readonly string[],
  irq: number | undefined,
): string {
  if (rang) return "the wake alarm";
  const by = irq === undefined ? "" : `interrupt ${irq} (${irqName(procRoot, irq) ?? "unknown"})`;
  return [by, ...sources].filter((one) => one !== "").join(", ") || "unknown";
}

/** Returns the handlers of an interrupt, the last column of /proc/interrupts. */
function irqName(procRoot: string, irq: number): string | undefined {
  const text = readText(`${procRoot}/interrupts`);
  const lines = text.ok ? (text.value ?? "").split("\n") : [];
  const line = lines.find((one) => one.trimStart().startsWith(`${irq}:`));
  return line
    ?.trim()
    .split(/\s{2,}/)
    .at(-1);
}
