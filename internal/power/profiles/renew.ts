// A profile of which the kernel forgot a part, as over suspend to RAM: what drifted is written again, the rest is left alone.

import { lockOn } from "../../os/lock.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { type Drift, verifyProfile } from "./off.ts";
import { restoreSettings } from "./setting.ts";

/** What was written again, and what could not be. */
export interface Renewed {
  readonly written: readonly Drift[];
  readonly failed: readonly SysfsError[];
}

const NOTHING: Renewed = { written: [], failed: [] };

/**
 * Writes what has drifted from the profile in force again. Guests' claims must have been given back before. While another process
 * changes the profile nothing is done.
 */
export function renewProfile(roots: Roots): Renewed {
  const lock = lockOn("profile", roots);
  if (!lock.ok) return lock.error.kind === "busy" ? NOTHING : { ...NOTHING, failed: [lock.error] };
  try {
    const found = verifyProfile(roots);
    if (!found.ok) return { ...NOTHING, failed: [found.error] };
    const failed = restoreSettings(`${roots.sysfsRoot}/devices/system/cpu`, found.value.drift);
    return {
      written: found.value.drift.filter((one) => !failed.some(({ setting }) => setting === one)),
      failed: failed.map(({ error }) => error),
    };
  } finally {
    lock.value();
  }
}
