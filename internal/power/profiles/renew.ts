// A profile of which the kernel forgot a part, as over suspend to RAM: what drifted is written again, the rest is left alone.

import { takeLock } from "../../os/lock.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { restoreSettings, type SettingRecord, toRecord } from "./setting.ts";
import { loadProfile } from "./store.ts";
import { verifyProfile } from "./verify.ts";

/** What was written again, and what could not be. */
export interface Renewed {
  readonly written: readonly SettingRecord[];
  readonly failed: readonly SysfsError[];
}

const NOTHING: Renewed = { written: [], failed: [] };

/**
 * Writes what has drifted from the profile in force again. Guests' claims must have been given back before. While another process
 * changes the profile nothing is done.
 */
export function renewProfile(roots: Roots): Renewed {
  const lock = takeLock(`${roots.stateDir}/profile.lock`);
  if (!lock.ok) return lock.error.kind === "busy" ? NOTHING : { ...NOTHING, failed: [lock.error] };
  try {
    const [found, stored] = [verifyProfile(roots), loadProfile(roots)];
    if (!found.ok || !stored.ok)
      return { ...NOTHING, failed: [found, stored].flatMap((one) => (one.ok ? [] : [one.error])) };
    const drifted = new Set(found.value.drift.map(({ path }) => path));
    const wanted = stored.value.state === "applied" ? stored.value.applied.wanted : [];
    const again = wanted.filter((one) => drifted.has(toRecord(one).path));
    const failed = restoreSettings(cpuRootOf(roots), again);
    return {
      written: again
        .filter((one) => !failed.some(({ attribute }) => attribute === one.attribute))
        .map(toRecord),
      failed: failed.map(({ error }) => error),
    };
  } finally {
    lock.value();
  }
}
