// The order in which a policy's two limits may be written: without it a raise or a drop would be refused half way.

import { err, type Result } from "../../values/result.ts";
import type { Khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";

/** What a policy may run at, kHz. */
export interface KhzRange {
  readonly min: Khz;
  readonly max: Khz;
}

/**
 * Writes scaling_min_freq and scaling_max_freq: max before min when raising, min before max when lowering, so that min
 * never passes max. Source: Documentation/admin-guide/pm/cpufreq.rst; older kernels answer EINVAL to min above max.
 * @param want kHz, min at most max
 */
export function writeLimits(dir: AttrDir, want: KhzRange): Result<void, SysfsError> {
  const max = dir.readNumber("scaling_max_freq");
  if (!max.ok) return max;
  const raising = want.max >= (max.value ?? 0);
  const first = raising
    ? dir.write("scaling_max_freq", `${want.max}`)
    : dir.write("scaling_min_freq", `${want.min}`);
  if (!first.ok) return first;
  return raising
    ? dir.write("scaling_min_freq", `${want.min}`)
    : dir.write("scaling_max_freq", `${want.max}`);
}

/** Returns attribute `name`, which a cpufreq policy must have, in kHz. Errors: as AttrDir.readNumber, ENOENT when absent. */
export function readKhz(dir: AttrDir, name: string): Result<Khz, SysfsError> {
  const value = dir.readNumber(name);
  if (value.ok && value.value === undefined)
    return err({ kind: "sysfs", op: "read", path: `${dir.path}/${name}`, code: "ENOENT" });
  return value as Result<Khz, SysfsError>;
}
