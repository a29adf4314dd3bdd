// What a folder holds, and entries that carry a number, such as policyN, stateN and the saved originals.

import { readdirSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";

/** Returns the names in `folder`, numbers within them in order; none when there is no such folder. Errors: EACCES, ENOTDIR. */
export function listFolder(folder: string): Result<string[], SysfsError> {
  try {
    return ok(readdirSync(folder).sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
  } catch (thrown) {
    const error = sysfsError("read", folder, thrown);
    return error.code === "ENOENT" ? ok([]) : err(error);
  }
}

/** Returns N of every entry of `folder` called `<prefix>N<suffix>`, ascending; none when there is no such folder. Errors: as listFolder. */
export function listNumbered(folder: string, prefix: string, suffix = ""): Result<number[], SysfsError> {
  const names = listFolder(folder);
  if (!names.ok) return names;
  const middles = names.value
    .filter((name) => name.startsWith(prefix) && name.endsWith(suffix))
    .map((name) => name.slice(prefix.length, name.length - suffix.length));
  return ok(middles.filter((middle) => /^\d{1,4}$/.test(middle)).map(Number));
}
