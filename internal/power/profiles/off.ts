// The way back from a profile.

import { pathOf } from "../../sysfs/attribute.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import { ok, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { takeLock } from "../../os/lock.ts";
import { isAs, isAway, isGone, readSetting, type Setting, type SettingRecord, toRecord } from "./setting.ts";
import { forgetProfile, loadProfile, profilePath, saveProfile } from "./store.ts";
import { beneathClaims, settingBeneath } from "./under-claim.ts";
import { restoreSettings } from "./write.ts";

/** What restoreProfile did. */
export interface RestoredProfile {
  /** The profile that was in force; undefined when none was. */
  readonly profile: string | undefined;
  /** It was of another boot: the kernel has set everything anew since, so it was forgotten. */
  readonly stale: boolean;
  /** Attributes put back. */
  readonly restored: readonly SettingRecord[];
  /** What waits until the CPUs that it is of are online: it is kept, and put back by the next call then. */
  readonly later: readonly SettingRecord[];
  /** When not empty, what is saved is kept for another try. */
  readonly failed: readonly SysfsError[];
}

/**
 * Puts back everything that profiles changed since the first one, and forgets it; may be repeated. Guests' claims must have been given
 * back before (Host.stop, restoreAll): they were made within the profile's bounds, so its values are their originals.
 */
export function restoreProfile(roots: Roots): RestoredProfile {
  const nothing = { profile: undefined, stale: false, restored: [], later: [] };
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

/** What restoreProfile would do. */
export interface ForeseenOff extends Pick<RestoredProfile, "profile" | "stale"> {
  /** Attributes that would be another; without `found`, one that can't be read now. */
  readonly changes: readonly (SettingRecord & { readonly found: string | undefined })[];
}

/** Reads what restoreProfile would put back; nothing is written. What a claim holds is judged by what it goes back to. Errors: as loadProfile. */
export function foreseeOff(roots: Roots): Result<ForeseenOff, SysfsError> {
  const stored = loadProfile(roots);
  if (!stored.ok) return stored;
  if (stored.value.state === "none") return ok({ profile: undefined, stale: false, changes: [] });
  const { applied, state } = stored.value;
  const beneath = beneathClaims(roots);
  const changes = (state === "stale" ? [] : applied.originals).flatMap((original) => {
    const under = settingBeneath(beneath, original.attribute);
    const read = under ? ok(under) : readSetting(cpuRootOf(roots), original.attribute);
    if (read.ok ? isAs(original, read.value) : isGone(original.attribute, read.error)) return [];
    return [{ ...toRecord(original), found: read.ok ? read.value.text : undefined }];
  });
  return ok({ profile: applied.profile, stale: state === "stale", changes });
}

/** Returns what restoreProfile would do as changes for people: what, how it is, how it would be. */
export const offChanges = ({ profile, changes }: ForeseenOff) => [
  ...(profile === undefined ? [] : [{ what: "profile in force", before: profile }]),
  ...changes.map(({ path, found, text, unlimited }) => ({
    what: path,
    before: found,
    after: unlimited === true ? `no limit, ${text} at the moment` : text,
  })),
];

function restoreLocked(roots: Roots): RestoredProfile {
  const nothing = { profile: undefined, stale: false, restored: [], later: [], failed: [] };
  const stored = loadProfile(roots);
  if (!stored.ok) return { ...nothing, failed: [stored.error] };
  if (stored.value.state === "none") return nothing;
  const { applied, state } = stored.value;
  const { profile, originals } = applied;
  const stale = state === "stale";
  const cpuRoot = cpuRootOf(roots);
  const notBack = stale ? [] : restoreSettings(cpuRoot, originals);
  const failed = notBack.filter(({ attribute, error }) => !isAway(cpuRoot, attribute, error));
  const paths = new Set(notBack.map(({ attribute }) => pathOf(attribute)));
  const isBack = ({ attribute }: Setting) => !paths.has(pathOf(attribute));
  const later = failed.length > 0 ? [] : originals.filter((one) => !isBack(one));
  // What fails is tried again with all that belongs to it.
  const kept =
    failed.length > 0
      ? undefined
      : later.length > 0
        ? saveProfile(roots, { profile, since: applied.since, originals: later, wanted: [], ended: true })
        : forgetProfile(roots.stateDir);
  return {
    profile,
    stale,
    restored: stale ? [] : originals.filter(isBack).map(toRecord),
    later: later.map(toRecord),
    failed: [...failed.map((one) => one.error), ...(kept && !kept.ok ? [kept.error] : [])],
  };
}
