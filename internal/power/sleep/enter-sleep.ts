// The step into sleep itself by the kernel's files. enter-by-logind.ts has the other way.

import { DONE, err, ok, type Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { powerDir, readPowerState } from "../../sysfs/power-state.ts";
import { type Run, runCommand } from "../../os/spawn.ts";
import { INTERRUPTED } from "./prepare-vms.ts";
import type { SleepTarget } from "./sleep-target.ts";
import type { Trip } from "./trip.ts";

/** What is done on the way, each once and in this order. */
export interface Steps {
  /** The sleep is on its way: guests are told, clocks are given back. */
  soon(): Promise<void>;
  /** Sets the wake alarm, the last thing before the machine sleeps. Errors: a sentence; then it must not sleep. */
  arm(): Result<void, string>;
  /** Aborted when the sleep is not wanted any more; once the machine is on its way down nothing takes that back. */
  readonly signal?: AbortSignal | undefined;
}

/** Enters the sleep and returns after it. Errors: a sentence. */
export type EnterSleep = (steps: Steps) => Promise<Result<void, string>>;

/** How long the kernel may take to tell its count of wake-up events, in ms: it waits while one is being handled. */
const COUNT_MS = 2000;

/**
 * Returns the way through /sys/power: the write returns when the machine is awake again. What `mem` or `disk` means is noted and set
 * before; `trip` puts it back. For mem and freeze the kernel is told which wake-up events are known: with one more, such as an alarm that
 * rang meanwhile, it does not sleep. Source: Documentation/admin-guide/pm/sleep-states.rst; Documentation/ABI/testing/sysfs-power, wakeup_count.
 * @param variant s2idle, shallow or deep for mem; a method of power/disk for disk
 */
export function enterByKernel(
  sysfsRoot: string,
  target: SleepTarget,
  trip: Trip,
  variant?: string,
  run: Run = runCommand,
): EnterSleep {
  const dir = powerDir(sysfsRoot);
  const file = target === "mem" ? "mem_sleep" : "disk";
  const wanted = target === "hybrid" ? "suspend" : variant;
  const inMemory = target === "mem" || target === "freeze";
  return async ({ soon, arm, signal }) => {
    const state = readPowerState(sysfsRoot);
    if (!state.ok) return err(explainSysfs(state.error));
    const was = target === "mem" ? state.value.memSleep?.current : state.value.disk?.current;
    if (wanted !== undefined && was !== undefined && wanted !== was) {
      const noted = trip.note({ choice: { file, was, set: wanted } });
      const set = noted.ok ? dir.write(file, wanted) : noted;
      if (!set.ok) return err(explainSysfs(set.error));
    }
    await soon();
    const count = inMemory ? await readWakeCount(dir.path, run) : ok(undefined);
    if (!count.ok) return count;
    if (signal?.aborted) return err(INTERRUPTED);
    const armed = arm();
    if (!armed.ok) return armed;
    const known = count.value === undefined ? DONE : dir.write("wakeup_count", count.value);
    if (!known.ok) return err(`a wake-up event came in just now (${explainSysfs(known.error)})`);
    const slept = dir.write("state", target === "hybrid" ? "disk" : target);
    return slept.ok ? DONE : err(explainSysfs(slept.error));
  };
}

/**
 * Reads how many wake-up events there have been, by a child: the kernel makes the reader wait while one is being handled. Undefined where
 * the kernel has no such file. Errors: a sentence.
 */
async function readWakeCount(folder: string, run: Run): Promise<Result<string | undefined, string>> {
  const read = await run(["cat", `${folder}/wakeup_count`], { limitMs: COUNT_MS });
  if (!read.ok) return err("a wake-up event is being handled; try again when it is over");
  const count = read.value.stdout.trim();
  return ok(read.value.status === 0 && /^\d{1,10}$/.test(count) ? count : undefined);
}
