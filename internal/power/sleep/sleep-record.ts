// What a sleep left behind: how long it was, what ended it, which device refused.

import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { AttrDir, readText } from "../../sysfs/attr.ts";
import {
  deviceOf,
  readSuspendStats,
  readWakeIrq,
  readWakeSources,
  type SuspendStats,
  type WakeSource,
} from "../../sysfs/power-state.ts";
import type { WakeClock } from "../../sysfs/wake-alarm.ts";

/** The counters at one moment. */
export interface Moment {
  /** Seconds since boot with sleep (CLOCK_BOOTTIME); undefined when it can't be read. */
  readonly bootS: number | undefined;
  /** Seconds that stand still in sleep (CLOCK_MONOTONIC). */
  readonly awakeS: number;
  readonly clockS: number | undefined;
  readonly stats: SuspendStats | undefined;
  readonly sources: readonly WakeSource[];
}

/** What ended between two moments. */
export interface Sleep {
  /** Whether the way into it came back without an error. */
  readonly slept: boolean;
  readonly clock: WakeClock | undefined;
  /** The alarm that was to end it, in the clock's seconds. */
  readonly alarmS: number | undefined;
}

/** How a sleep went. */
export interface SleepRecord {
  /**
   * Seconds asleep by the kernel's clocks, by the real-time clock where those run on, as they may in freeze; undefined when they can't
   * be read.
   */
  readonly sleptS: number | undefined;
  /** Seconds by the real-time clock, whole ones, the time awake around the sleep included. */
  readonly clockS: number | undefined;
  /** Seconds from the alarm to the end; undefined when it came before the alarm, or there was none. */
  readonly lateS: number | undefined;
  /** Who woke it as the kernel names it, a phrase. */
  readonly wokenBy: string;
  readonly wakeIrq: number | undefined;
  /** Sources that counted a wake-up event meanwhile. */
  readonly sources: readonly string[];
  /** Only when the kernel counted a failure meanwhile. It counts none of disk and hybrid. */
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
    sources: readWakeSources(sysfsRoot),
  };
}

/** Returns what happened between two moments. Source: Documentation/ABI/testing/sysfs-power, pm_wakeup_irq. */
export function recordOf(
  roots: MachineRoots,
  before: Moment,
  after: Moment,
  { slept, clock, alarmS }: Sleep,
): SleepRecord {
  const stood =
    before.bootS === undefined || after.bootS === undefined
      ? undefined
      : Math.max(0, after.bootS - before.bootS - (after.awakeS - before.awakeS));
  const clockS =
    before.clockS === undefined || after.clockS === undefined ? undefined : after.clockS - before.clockS;
  const counted = new Map(before.sources.map(({ name, events }) => [name, events]));
  const sources = after.sources.filter(({ name, events }) => events > (counted.get(name) ?? 0));
  const wakeIrq = readWakeIrq(roots.sysfsRoot);
  const lateS =
    alarmS !== undefined && after.clockS !== undefined && after.clockS >= alarmS
      ? after.clockS - alarmS
      : undefined;
  const rose = (count: "fail" | "success") => (after.stats?.[count] ?? 0) > (before.stats?.[count] ?? 0);
  // A try that failed and was repeated with success is none.
  const failed = rose("fail") && !rose("success");
  const ran = slept && !failed && stood !== undefined && stood < 1 && clockS !== undefined && clockS > 1;
  return {
    sleptS: ran ? clockS : stood === undefined ? undefined : Math.round(stood * 100) / 100,
    clockS,
    lateS,
    wokenBy: wokenBy(roots.procRoot, clock, lateS, sources, wakeIrq),
    wakeIrq,
    sources: sources.map(({ name }) => name),
    failure: failed ? after.stats?.failure : undefined,
  };
}

/** The alarm only where the kernel names its clock and nobody else: that its time has come proves nothing. */
function wokenBy(
  procRoot: string,
  clock: WakeClock | undefined,
  lateS: number | undefined,
  sources: readonly WakeSource[],
  irq: number | undefined,
): string {
  const device = clock && deviceOf(clock.path);
  const handler = irq === undefined ? undefined : irqName(procRoot, irq);
  const others = sources.filter((one) => device === undefined || one.device !== device);
  const byClock = others.length < sources.length || (handler !== undefined && /\brtc/.test(handler));
  if (byClock && others.length === 0) return lateS === undefined ? "the real-time clock" : "the wake alarm";
  const named = [
    ...(irq === undefined ? [] : [`interrupt ${irq} (${handler ?? "unknown"})`]),
    ...sources.map(({ name }) => name),
  ];
  if (named.length > 0) return named.join(", ");
  return lateS === undefined ? "unknown" : `unknown, ${lateS} s after the alarm`;
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
