// Whether a file could be written, asked without writing.

import { accessSync, constants, statSync } from "node:fs";
import { codeOf } from "../os/error-code.ts";

/** What opening a file for writing would meet. */
export type Access = "writable" | "absent" | "read-only" | "denied";

/** Returns whether `path` could be opened for writing. Mode bits are looked at too: root passes access() everywhere, a kernel attribute refuses it all the same. */
export function writeAccess(path: string): Access {
  try {
    if ((statSync(path).mode & 0o222) === 0) return "read-only";
    accessSync(path, constants.W_OK);
    return "writable";
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return "absent";
    return code === "EROFS" ? "read-only" : "denied";
  }
}
