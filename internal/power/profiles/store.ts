// What a profile changed and how it was before, saved for the boot that it is of.

import { ok, type Result } from "../../values/result.ts";
import { forgetBootRecord, readBootRecord, writeBootRecord } from "../../sysfs/boot-record.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import type { HostProfile } from "./host-profile.ts";
import { fromRecord, type Setting, toRecord } from "./setting.ts";

/** The profile in force. */
export interface AppliedProfile {
  readonly profile: string;
  /** What it was limited to by --cpus. */
  readonly cpus?: string;
  /** ISO 8601. */
  readonly since: string;
  /** What every touched attribute had before the first profile; never overwritten while one is in force. */
  readonly originals: readonly Setting[];
  /** What it has to have now, as the kernel took it. */
  readonly wanted: readonly Setting[];
  /** Of the whole machine, held by the daemon. */
  readonly latencyUs?: number;
  /** What the profile said when it was applied, as writtenAs() has it. */
  readonly written?: string;
  /** It is off, and `originals` are those of CPUs that were offline. */
  readonly ended?: true;
}

/** none, or applied since this boot, or left over from another one; or ended, but for the originals of CPUs that are offline. */
export type StoredProfile =
  | { readonly state: "none" }
  | { readonly state: "applied" | "stale" | "ended"; readonly applied: AppliedProfile };

/** Returns where it is kept. */
export const profilePath = (stateDir: string): string => `${stateDir}/profile.json`;

type Saved = Pick<Roots, "procRoot" | "stateDir">;

/** Reads what is kept. Errors: EINVAL for a file that can't be understood, ENOENT when there is no boot id. */
export function loadProfile({ procRoot, stateDir }: Saved): Result<StoredProfile, SysfsError> {
  const read = readBootRecord(procRoot, profilePath(stateDir), judge);
  if (!read.ok) return read;
  if (!("record" in read.value)) return ok({ state: "none" });
  const { state, record } = read.value;
  const current = record.ended ? "ended" : "applied";
  return ok({ state: state === "current" ? current : "stale", applied: record });
}

/** Keeps `applied` whole or not at all, through a temporary file. Errors: ENOSPC, EACCES, EROFS. */
export function saveProfile(
  { procRoot, stateDir }: Saved,
  applied: AppliedProfile,
): Result<void, SysfsError> {
  const { originals, wanted } = applied;
  const record = { ...applied, originals: originals.map(toRecord), wanted: wanted.map(toRecord) };
  return writeBootRecord(procRoot, profilePath(stateDir), record);
}

/** Forgets what is kept, if anything. */
export function forgetProfile(stateDir: string): Result<void, SysfsError> {
  return forgetBootRecord(profilePath(stateDir));
}

function judge(raw: Readonly<Record<string, unknown>>): AppliedProfile | undefined {
  const { profile, cpus, since, originals, wanted, latencyUs, written, ended } = raw;
  if (typeof profile !== "string" || typeof since !== "string") return undefined;
  const [before, now] = [settingsIn(originals), settingsIn(wanted)];
  if (before === undefined || now === undefined) return undefined;
  return {
    profile,
    since,
    originals: before,
    wanted: now,
    ...(typeof cpus === "string" && { cpus }),
    ...(typeof latencyUs === "number" && { latencyUs }),
    ...(typeof written === "string" && { written }),
    ...(ended === true && { ended }),
  };
}

function settingsIn(raw: unknown): Setting[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  const settings = raw.map(fromRecord).filter((one) => one !== undefined);
  return settings.length === raw.length ? settings : undefined;
}

/** Returns a word for all that `profile` asks of the kernel's files: two that ask the same have the same. */
export function writtenAs(profile: HostProfile): string {
  const { pstateMode, boost, uncore, platformProfile, haltPollNs, irq, missing, rules } = profile;
  const asked = { pstateMode, boost, uncore, platformProfile, haltPollNs, irq, missing, rules };
  return Bun.hash(JSON.stringify(asked)).toString(16);
}
