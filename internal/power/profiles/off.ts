// The way back from a profile, and whether it still holds: without it originals would be saved for nothing.

import { ok, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { pathOf } from "../../sysfs/attribute.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import { lockOn } from "../../os/lock.ts";
import { forgetProfile, loadProfile, profilePath, type StoredProfile } from "./store.ts";
import { restoreSettings, type Setting, type SettingRecord, toRecord } from "./setting.ts";
import { beneathClaims, textBeneath } from "./under-claim.ts";

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
  const lock = lockOn("profile", roots);
  if (!lock.ok) {
    const path = profilePath(roots.stateDir);
    const busy = (pid: number) =>
      ({ kind: "sysfs", op: "write", path, code: `EBUSY, process ${pid} changes it` }) as const;
    return { ...nothing, failed: [lock.error.kind === "busy" ? busy(lock.error.pid) : lock.error] };
  }
  try {
    return restoreLocked(roots);
  } finally {
    lock.value();
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

/** An attribute that no longer has what the profile gave it. */
export interface Drift extends Setting {
  /** Undefined when it can't be read any more. */
  readonly found: string | undefined;
}

/** What is in force and what of it has drifted. */
export interface ProfileStatus {
  readonly stored: StoredProfile;
  readonly drift: readonly Drift[];
  /** Domains that a guest's claim holds now: their settings are judged by what they go back to. */
  readonly held: readonly DomainId[];
}

/** Reads whether the profile in force still holds. Errors: as loadProfile. */
export function verifyProfile(roots: Roots): Result<ProfileStatus, SysfsError> {
  const stored = loadProfile(roots);
  if (!stored.ok) return stored;
  if (stored.value.state !== "applied") return ok({ stored: stored.value, drift: [], held: [] });
  const dir = new AttrDir(cpuRootOf(roots));
  const beneath = beneathClaims(roots);
  const drift: Drift[] = [];
  const held = new Set<DomainId>();
  for (const want of stored.value.applied.wanted) {
    const { attribute } = want;
    const underneath = textBeneath(beneath, attribute);
    if (underneath !== undefined && "domain" in attribute) held.add(attribute.domain);
    const found = underneath ?? dir.peek(pathOf(attribute));
    if (found !== want.text) drift.push({ ...want, found });
  }
  return ok({ stored: stored.value, drift, held: [...held].sort((a, b) => a - b) });
}
