// A JSON file of our own that tells in which boot it was made: what stood before a reboot must not be put back after it.

import { rmSync } from "node:fs";
import { readOwnFile } from "../os/read-bounded.ts";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { absent, AttrDir } from "./attr.ts";
import { notUnderstood, type SysfsError, sysfsError } from "../values/sysfs-error.ts";
import { writeWholeFile } from "../os/whole-file.ts";

/** What a file holds: nothing, a record of this boot, one of another, or of that what the end of the machine left of it. */
export type BootRecord<T> =
  { readonly state: "none" | "torn" } | { readonly state: "current" | "stale"; readonly record: T };

/**
 * Reads the record at `path`.
 * @param judge returns the record that an object is, undefined when it is none
 * @param procRoot stands for /proc, which has the boot id
 * Errors: EINVAL for a file of this boot that can't be understood, ENOENT when there is no boot id, EACCES.
 */
export function readBootRecord<T>(
  procRoot: string,
  path: string,
  judge: (raw: Readonly<Record<string, unknown>>) => T | undefined,
): Result<BootRecord<T>, SysfsError> {
  const found = readRecordText(path);
  if (!found.ok) return found;
  const text = found.value;
  if (text === undefined) return ok({ state: "none" });
  const boot = readBootId(procRoot);
  if (!boot.ok) return boot;
  const raw = parseObject(text);
  const record = raw && judge(raw);
  if (raw === undefined && isTorn(text, boot.value)) return ok({ state: "torn" });
  if (raw === undefined || record === undefined || typeof raw["bootId"] !== "string")
    return err(notUnderstood(path, text.slice(0, 200)));
  return ok({ state: raw["bootId"] === boot.value ? "current" : "stale", record });
}

/**
 * Writes `record` to `path` as writeWholeFile() does, whole or not at all. Nothing is synced: the end of this process takes nothing
 * away, and after the end of the machine it would mean nothing. Errors: ENOSPC, EACCES, EROFS.
 */
export function writeBootRecord(procRoot: string, path: string, record: object): Result<void, SysfsError> {
  const boot = readBootId(procRoot);
  if (!boot.ok) return boot;
  return writeWholeFile(path, `${JSON.stringify({ bootId: boot.value, ...record })}\n`, { synced: false });
}

/** Removes the record at `path`, if there is one. */
export function forgetBootRecord(path: string): Result<void, SysfsError> {
  try {
    rmSync(path, { force: true });
    return DONE;
  } catch (thrown) {
    return err(sysfsError("write", path, thrown));
  }
}

/** Reads the id of this boot. Errors: ENOENT where there is none: then old and new files can't be told apart. */
function readBootId(procRoot: string): Result<string, SysfsError> {
  const dir = new AttrDir(`${procRoot}/sys/kernel/random`);
  const line = dir.must("boot_id");
  return line.ok && line.value === "" ? err(absent(`${dir.path}/boot_id`)) : line;
}

/** More is no record of ours, bytes: a profile of 8,192 CPUs takes a third of it. */
const MAX_BYTES = 64 << 20;

/**
 * Returns the text of the record at `path`, as it is; undefined when there is none. Errors: EINVAL for a FIFO or a device, which
 * would make the reader wait, and for more than 64 MiB, ELOOP for a link, EACCES, EISDIR.
 */
export function readRecordText(path: string): Result<string | undefined, SysfsError> {
  try {
    const bytes = readOwnFile(path, MAX_BYTES);
    return bytes === undefined
      ? err(notUnderstood(path, `more than ${MAX_BYTES} bytes`))
      : ok(bytes.toString("utf8"));
  } catch (thrown) {
    const error = sysfsError("read", path, thrown);
    if (error.code === "EINVAL") return err(notUnderstood(path, "no file"));
    return error.code === "ENOENT" ? ok(undefined) : err(error);
  }
}

/** A disk that lost its power keeps a file's name and may lose its end or all of it; a process that is killed leaves it whole. */
function isTorn(text: string, bootId: string): boolean {
  const boot = /^\{"bootId":"([^"\0]*)"/.exec(text)?.[1];
  return boot === undefined ? /^\0*$/.test(text) : boot !== bootId;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const raw: unknown = JSON.parse(text);
    return typeof raw === "object" && raw !== null ? (raw as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
