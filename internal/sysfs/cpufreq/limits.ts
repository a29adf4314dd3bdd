// A domain's two limits, and the order in which they may be written: a kernel refuses a minimum above the maximum.

import { all, DONE, err, type Result } from "../../values/result.ts";
import type { Khz } from "../../values/units.ts";
import { absent, type AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { FILE } from "./files.ts";

/** What a domain may run at, kHz. */
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
  const max = dir.readNumber(FILE.ceiling);
  if (!max.ok) return max;
  const steps = [() => dir.write(FILE.floor, `${want.min}`), () => dir.write(FILE.ceiling, `${want.max}`)];
  if (want.max >= (max.value ?? 0)) steps.reverse();
  for (const step of steps) {
    const done = step();
    if (!done.ok) return done;
  }
  return DONE;
}

/** Returns attribute `name`, which a domain must have, in kHz. Errors: as AttrDir.readNumber, ENOENT when absent. */
export function readKhz(dir: AttrDir, name: string): Result<Khz, SysfsError> {
  const value = dir.readNumber(name);
  if (value.ok && value.value === undefined) return err(absent(`${dir.path}/${name}`));
  return value as Result<Khz, SysfsError>;
}

/** Reads the limits that stand. Errors: as readKhz. */
export const readLimits = (dir: AttrDir): Result<KhzRange, SysfsError> =>
  all({ min: readKhz(dir, FILE.floor), max: readKhz(dir, FILE.ceiling) });
