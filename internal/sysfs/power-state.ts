// How the whole machine can sleep: /sys/power.

import { realpathSync } from "node:fs";
import { all, ok, type Result } from "../values/result.ts";
import { AttrDir } from "./attr.ts";
import { type Choice, readChoice, readWords } from "./choice.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { listNumbered } from "./numbered.ts";

/** What /sys/power offers. Source: Documentation/admin-guide/pm/sleep-states.rst. */
export interface PowerState {
  /** Words of /sys/power/state, such as freeze, mem, disk; none when the kernel can't sleep. */
  readonly states: readonly string[];
  /** s2idle, shallow, deep: what `mem` means. Undefined where the kernel has one meaning only. */
  readonly memSleep: Choice | undefined;
  /** platform, shutdown, reboot, suspend, ...: how `disk` ends. Undefined without hibernation. */
  readonly disk: Choice | undefined;
  /** The step up to which the kernel only tests sleep; undefined when it really sleeps. Source: Documentation/power/basic-pm-debugging.rst. */
  readonly test?: string | undefined;
}

/** The kernel's count of sleeps since boot. Source: Documentation/ABI/testing/sysfs-power, suspend_stats. */
export interface SuspendStats {
  readonly success: number;
  readonly fail: number;
  /** Of the last one that failed; empty texts when none did. */
  readonly failure: Readonly<Record<"device" | "step" | "errno", string>>;
}

/** Returns the folder that stands for /sys/power. */
export const powerDir = (sysfsRoot: string): AttrDir => new AttrDir(`${sysfsRoot}/power`);

/** Reads what sleep states there are. Errors: as AttrDir.read. */
export function readPowerState(sysfsRoot: string): Result<PowerState, SysfsError> {
  const dir = powerDir(sysfsRoot);
  const read = all({
    states: readWords(dir, "state"),
    memSleep: readChoice(dir, "mem_sleep"),
    disk: readChoice(dir, "disk"),
    pmTest: readChoice(dir, "pm_test"),
  });
  if (!read.ok) return read;
  const { pmTest, ...state } = read.value;
  const test = pmTest?.current;
  return ok({ ...state, ...(test !== undefined && test !== "none" && { test }) });
}

/** Reads /sys/power/suspend_stats; undefined before Linux 5.4, which has none. Errors: as AttrDir.readNumber. */
export function readSuspendStats(sysfsRoot: string): Result<SuspendStats | undefined, SysfsError> {
  const dir = new AttrDir(`${sysfsRoot}/power/suspend_stats`);
  const success = dir.readNumber("success");
  if (!success.ok || success.value === undefined) return success as Result<undefined, SysfsError>;
  const fail = dir.readNumber("fail");
  if (!fail.ok) return fail;
  return ok({
    success: success.value,
    fail: fail.value ?? 0,
    failure: {
      device: dir.peek("last_failed_dev") ?? "",
      step: dir.peek("last_failed_step") ?? "",
      errno: dir.peek("last_failed_errno") ?? "",
    },
  });
}

/** Reads the interrupt that ended the last sleep; undefined when the kernel noted none (it then answers ENODATA). */
export const readWakeIrq = (sysfsRoot: string): number | undefined =>
  powerDir(sysfsRoot).peekNumber("pm_wakeup_irq");

/** Who can wake the machine, and how often it counted an event. */
export interface WakeSource {
  /** Such as "LNXPWRBN:00 (wakeup3)". */
  readonly name: string;
  readonly events: number;
  /** The folder of its device; undefined where the kernel names none. */
  readonly device: string | undefined;
}

/** Reads the sources of wake-up events, by number. Source: Documentation/ABI/testing/sysfs-class-wakeup. */
export function readWakeSources(sysfsRoot: string): readonly WakeSource[] {
  const folder = `${sysfsRoot}/class/wakeup`;
  const numbers = listNumbered(folder, "wakeup");
  return (numbers.ok ? numbers.value : []).flatMap((n): WakeSource[] => {
    const dir = new AttrDir(`${folder}/wakeup${n}`);
    const name = dir.peek("name");
    const events = dir.peekNumber("event_count");
    if (name === undefined || events === undefined) return [];
    return [{ name: `${name} (wakeup${n})`, events, device: deviceOf(dir.path) }];
  });
}

/** Returns the folder of the device behind `path`, whatever names lead there; undefined where there is none. */
export function deviceOf(path: string): string | undefined {
  try {
    return realpathSync(`${path}/device`);
  } catch {
    return undefined;
  }
}
