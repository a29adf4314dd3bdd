// What a profile changed and how it was before, on disk: without it a crash would make the profile the machine's own settings.

import { ok, type Result } from "../../values/result.ts";
import { forgetBootRecord, readBootRecord, writeBootRecord } from "../../sysfs/boot-record.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { KNOBS, type Setting } from "./setting.ts";

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
}

/** none, or applied since this boot, or left over from another one. */
export type StoredProfile =
  { readonly state: "none" } | { readonly state: "applied" | "stale"; readonly applied: AppliedProfile };

/** Returns where it is kept. */
export const profilePath = (stateDir: string): string => `${stateDir}/profile.json`;

interface Roots {
  readonly procRoot: string;
  readonly stateDir: string;
}

/** Reads what is kept. Errors: EINVAL for a file that can't be understood, ENOENT when there is no boot id. */
export function loadProfile({ procRoot, stateDir }: Roots): Result<StoredProfile, SysfsError> {
  const read = readBootRecord(procRoot, profilePath(stateDir), judge);
  if (!read.ok) return read;
  if (read.value.state === "none") return ok({ state: "none" });
  const { state, record } = read.value;
  return ok({ state: state === "current" ? "applied" : "stale", applied: record });
}

/** Keeps `applied` whole or not at all, through a synced temporary file. Errors: ENOSPC, EACCES, EROFS. */
export function saveProfile(
  { procRoot, stateDir }: Roots,
  applied: AppliedProfile,
): Result<void, SysfsError> {
  return writeBootRecord(procRoot, profilePath(stateDir), applied);
}

/** Forgets what is kept, if anything. */
export function forgetProfile(stateDir: string): Result<void, SysfsError> {
  return forgetBootRecord(profilePath(stateDir));
}

function judge(raw: Readonly<Record<string, unknown>>): AppliedProfile | undefined {
  const { profile, cpus, since, originals, wanted, latencyUs } = raw;
  if (typeof profile !== "string" || typeof since !== "string") return undefined;
  if (!isSettings(originals) || !isSettings(wanted)) return undefined;
  return {
    profile,
    since,
    originals,
    wanted,
    ...(typeof cpus === "string" && { cpus }),
    ...(typeof latencyUs === "number" && { latencyUs }),
  };
}

/** Paths stay below the folder of CPUs: a state file must not lead a root program elsewhere. */
const isSettings = (raw: unknown): raw is Setting[] =>
  Array.isArray(raw) &&
  raw.every(
    (one: unknown) =>
      typeof one === "object" &&
      one !== null &&
      "path" in one &&
      typeof one.path === "string" &&
      !one.path.startsWith("/") &&
      !one.path.split("/").includes("..") &&
      "text" in one &&
      typeof one.text === "string" &&
      "knob" in one &&
      KNOBS.some((knob) => knob === one.knob),
  );
