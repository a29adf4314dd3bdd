// Folders whose entries carry a number: such as policyN, stateN and the saved originals.

import { readdirSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";

/** Returns N of every entry of `folder` called `<prefix>N<suffix>`, ascending; none when there is no such folder. Errors: EACCES, ENOTDIR. */
export function listNumbered(folder: string, prefix: string, suffix = ""): Result<number[], SysfsError> {
  try {
    const middles = readdirSync(folder)
      .filter((name) => name.startsWith(prefix) && name.endsWith(suffix))
      .map((name) => name.slice(prefix.length, name.length - suffix.length));
    return ok(
      middles
        .filter((middle) => /^\d{1,4}$/.test(middle))
        .map(Number)
        .sort((a, b) => a - b),
    );
  } catch (thrown) {
    const error = sysfsError("read", folder, thrown);
    return error.code === "ENOENT" ? ok([]) : err(error);
  }
}
