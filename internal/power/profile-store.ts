// What a profile changed and how it was before, on disk: without it a crash would make the profile the machine's own settings.

import { readFileSync, rmSync } from "node:fs";
import { DONE, err, ok, type Result } from "../result.ts";
import { readBootId } from "../sysfs/boot-id.ts";
import { notUnderstood, type SysfsError, sysfsError } from "../sysfs/error.ts";
import { writeWholeFile } from "../sysfs/whole-file.ts";
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
  const path = profilePath(stateDir);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    const error = sysfsError("read", path, thrown);
    return error.code === "ENOENT" ? ok({ state: "none" }) : err(error);
  }
  const boot = readBootId(procRoot);
  if (!boot.ok) return boot;
  const record = parse(text);
  if (!record) return err(notUnderstood(path, text.slice(0, 200)));
  const { bootId, ...applied } = record;
  return ok({ state: bootId === boot.value ? "applied" : "stale", applied });
}

/** Keeps `applied` whole or not at all, through a synced temporary file. Errors: ENOSPC, EACCES, EROFS. */
export function saveProfile(
  { procRoot, stateDir }: Roots,
  applied: AppliedProfile,
): Result<void, SysfsError> {
  const boot = readBootId(procRoot);
  if (!boot.ok) return boot;
  const record = { bootId: boot.value, ...applied };
  return writeWholeFile(stateDir, profilePath(stateDir), `${JSON.stringify(record)}\n`);
}

/** Forgets what is kept, if anything. */
export function forgetProfile(stateDir: string): Result<void, SysfsError> {
  try {
    rmSync(profilePath(stateDir), { force: true });
    return DONE;
  } catch (thrown) {
    return err(sysfsError("write", profilePath(stateDir), thrown));
  }
}

function parse(text: string): (AppliedProfile & { readonly bootId: string }) | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof raw !== "object" || raw === null) return undefined;
  const { bootId, profile, cpus, since, originals, wanted, latencyUs } = raw as Record<string, unknown>;
  if (typeof bootId !== "string" || typeof profile !== "string" || typeof since !== "string")
    return undefined;
  if (!isSettings(originals) || !isSettings(wanted)) return undefined;
  return {
    bootId,
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
