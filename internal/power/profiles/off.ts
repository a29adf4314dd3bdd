// The way back from a profile.

import { pathOf } from "../../sysfs/attribute.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { takeLock } from "../../os/lock.ts";
import { type SettingRecord, toRecord } from "./setting.ts";
import { forgetProfile, loadProfile, profilePath } from "./store.ts";
import { restoreSettings } from "./write.ts";

/** What restoreProfile did. */
export interface RestoredProfile {
  /** The profile that was in force; undefined when none was. */
  readonly profile: string | undefined;
  /** It was of another boot: the kernel has set everything anew since, so it was forgotten. */
  readonly stale: boolean;
  /** Attributes put back. */
  readonly restored: readonly SettingRecord[];
  /** When not empty, what is saved is kept for another try. */
  readonly failed: readonly SysfsError[];
}

/**
 * Puts back everything that profiles changed since the first one, and forgets it; may be repeated. Guests' claims must have been given
 * back before (Host.stop, restoreAll): they were made within the profile's bounds, so its values are their originals.
 */
export function restoreProfile(roots: Roots): RestoredProfile {
  const nothing = { profile: undefined, stale: false, restored: [] };
  const lock = takeLock(`${roots.stateDir}/profile.lock`);
  // A disk that is full must not keep the machine changed.
  if (!lock.ok && lock.error.kind === "busy") {
    const path = profilePath(roots.stateDir);
    const busy = (pid: number) =>
      ({ kind: "sysfs", op: "write", path, code: `EBUSY, process ${pid} changes it` }) as const;
    return { ...nothing, failed: [busy(lock.error.pid)] };
  }
  try {
    return restoreLocked(roots);
  } finally {
    if (lock.ok) lock.value();
  }
}

function restoreLocked(roots: Roots): RestoredProfile {
  const stored = loadProfile(roots);
  if (!stored.ok) return { profile: undefined, stale: false, restored: [], failed: [stored.error] };
  if (stored.value.state === "none") return { profile: undefined, stale: false, restored: [], failed: [] };
  const { applied, state } = stored.value;
  const stale = state === "stale";
  const failed = stale ? [] : restoreSettings(cpuRootOf(roots), applied.originals);
  const notBack = new Set(failed.map(({ attribute }) => pathOf(attribute)));
  const forgotten = failed.length === 0 ? forgetProfile(roots.stateDir) : undefined;
  return {
    profile: applied.profile,
    stale,
    restored: stale ? [] : applied.originals.map(toRecord).filter(({ path }) => !notBack.has(path)),
    failed: [...failed.map((one) => one.error), ...(forgotten && !forgotten.ok ? [forgotten.error] : [])],
  };
}
