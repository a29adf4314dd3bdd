// A domain's two limits, and the order in which they may be written: a kernel refuses a minimum above the maximum.

import { all, DONE, err, ok, type Result } from "../../values/result.ts";
import type { Khz } from "../../values/units.ts";
import { absent, type AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { FILE } from "./files.ts";

/** What a domain may run at, kHz. */
export interface KhzRange {
  readonly min: Khz;
  readonly max: Khz;
}

/** A domain's limits as somebody set them. */
export interface OwnLimits extends KhzRange {
  /** True where nobody set one: whatever the hardware has, also when turbo comes or goes later. */
  readonly noMin: boolean;
  readonly noMax: boolean;
}

/** The two limits, by what they are for. */
export type LimitKnob = "floor" | "ceiling";

/**
 * What the kernel takes for no limit: it keeps what was written, and shows it clipped to what the hardware has at the moment.
 * Source: include/linux/pm_qos.h, FREQ_QOS_MIN_DEFAULT_VALUE and FREQ_QOS_MAX_DEFAULT_VALUE; drivers/cpufreq/cpufreq.c, store_one.
 */
const NO_LIMIT = { floor: 0, ceiling: 2_147_483_647 } as const;

/**
 * Writes one limit of a domain, or where `none` that there is none. A file that does not show that as the hardware's own end, as
 * one of a driver that makes something else of it, gets `limit` in its place.
 * @param limit kHz; where `none` the hardware's end as it was last seen
 */
export function writeLimit(
  dir: AttrDir,
  knob: LimitKnob,
  limit: Khz,
  none: boolean,
): Result<void, SysfsError> {
  if (none && dir.write(FILE[knob], `${NO_LIMIT[knob]}`).ok) {
    const shown = dir.peekNumber(FILE[knob]) ?? -1;
    const least = dir.peekNumber(FILE.least) ?? 0;
    const greatest = dir.peekNumber(FILE.greatest) ?? 0;
    // Other limits of the kernel's may stand below the greatest, and a busy kernel shows the old one for a moment.
    if (least <= shown && shown <= (knob === "floor" ? limit : greatest)) return DONE;
  }
  return dir.write(FILE[knob], `${limit}`);
}

/**
 * Writes scaling_min_freq and scaling_max_freq: max before min when raising, min before max when lowering, so that min
 * never passes max. Source: Documentation/admin-guide/pm/cpufreq.rst; older kernels answer EINVAL to min above max.
 * @param want kHz, min at most max
 */
export function writeLimits(dir: AttrDir, want: OwnLimits): Result<void, SysfsError> {
  const max = dir.readNumber(FILE.ceiling);
  if (!max.ok) return max;
  const steps = [
    () => writeLimit(dir, "floor", want.min, want.noMin),
    () => writeLimit(dir, "ceiling", want.max, want.noMax),
  ];
  if (want.noMax || want.max >= (max.value ?? 0)) steps.reverse();
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

/**
 * Reads the limits that stand; one that shows where nobody set any is none. Errors: as readKhz.
 * @param unset what shows then, see Hardware
 */
export function readOwnLimits(dir: AttrDir, unset: KhzRange): Result<OwnLimits, SysfsError> {
  const now = readLimits(dir);
  if (!now.ok) return now;
  const { min, max } = now.value;
  return ok({ min, max, noMin: min <= unset.min, noMax: max >= unset.max });
}
