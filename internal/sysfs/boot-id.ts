// Which boot this is: without it settings saved before a reboot would be put back over what the kernel set anew.

import { err, ok, type Result } from "../values/result.ts";
import { AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";

/** Reads the id of this boot. Errors: ENOENT where there is none: then old and new files can't be told apart. */
export function readBootId(procRoot: string): Result<string, SysfsError> {
  const dir = new AttrDir(`${procRoot}/sys/kernel/random`);
  const line = dir.read("boot_id");
  if (!line.ok) return line;
  return line.value
    ? ok(line.value)
    : err({ kind: "sysfs", op: "read", path: `${dir.path}/boot_id`, code: "ENOENT" });
}
