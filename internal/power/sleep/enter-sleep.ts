// The step into sleep itself, by the kernel's files or by logind.

import { DONE, err, type Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { powerDir, readPowerState } from "../../sysfs/power-state.ts";
import { type Run, runCommand } from "../../os/spawn.ts";
import { sleepByLogind } from "./logind.ts";
import { momentNow } from "./sleep-record.ts";
import type { SleepTarget } from "./sleep-target.ts";

/** Enters the sleep and returns after it. Errors: a sentence. */
export type EnterSleep = () => Promise<Result<void, string>>;

/**
 * Returns the way through /sys/power: the write returns when the machine is awake again. What `mem` or `disk` means is set before
 * and put back after. Source: Documentation/admin-guide/pm/sleep-states.rst.
 * @param variant s2idle, shallow or deep for mem; a method of power/disk for disk
 */
export function enterByKernel(sysfsRoot: string, target: SleepTarget, variant?: string): EnterSleep {
  const dir = powerDir(sysfsRoot);
  const file = target === "mem" ? "mem_sleep" : "disk";
  const wanted = target === "hybrid" ? "suspend" : variant;
  return async () => {
    const state = readPowerState(sysfsRoot);
    if (!state.ok) return err(explainSysfs(state.error));
    const before = target === "mem" ? state.value.memSleep?.current : state.value.disk?.current;
    const changes = wanted !== undefined && wanted !== before;
    if (changes) {
      const set = dir.write(file, wanted);
      if (!set.ok) return err(explainSysfs(set.error));
    }
    const slept = dir.write("state", target === "hybrid" ? "disk" : target);
    const back = changes && before !== undefined ? dir.write(file, before) : DONE;
    if (!slept.ok) return err(explainSysfs(slept.error));
    return back.ok ? DONE : err(explainSysfs(back.error));
  };
}

/** logind answers before the machine sleeps; if nothing happens in this time it never will, in ms awake. */
const LOGIND_MS = 60_000;
const LOOK_MS = 200;

/** Returns the way through logind, which knows inhibitors, sleep.conf and hooks; it waits until the machine has slept or failed to. */
export function enterByLogind(
  roots: MachineRoots,
  target: SleepTarget,
  run: Run = runCommand,
  limitMs = LOGIND_MS,
): EnterSleep {
  return async () => {
    const before = momentNow(roots, undefined);
    const complaint = await sleepByLogind(target, run);
    if (complaint !== undefined) return err(complaint);
    const end = performance.now() + limitMs;
    while (performance.now() < end) {
      const now = momentNow(roots, undefined);
      const counted = (stats: typeof now.stats) => (stats?.success ?? 0) + (stats?.fail ?? 0);
      const asleepS = (now.bootS ?? 0) - (before.bootS ?? 0) - (now.awakeS - before.awakeS);
      if (counted(now.stats) > counted(before.stats) || asleepS > 1) return DONE;
      await Bun.sleep(LOOK_MS);
    }
    return err(`logind took the order, and nothing happened for ${limitMs / 1000} s`);
  };
}
