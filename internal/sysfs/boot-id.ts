// Which boot this is: without it settings saved before a reboot would be put back over what the kernel set anew.

import { err, type Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { absent, AttrDir } from "./attr.ts";

/** Reads the id of this boot. Errors: ENOENT where there is none: then old and new files can't be told apart. */
export function readBootId(procRoot: string): Result<string, SysfsError> {
  const dir = new AttrDir(`${procRoot}/sys/kernel/random`);
  const line = dir.must("boot_id");
  return line.ok && line.value === "" ? err(absent(`${dir.path}/boot_id`)) : line;
}
