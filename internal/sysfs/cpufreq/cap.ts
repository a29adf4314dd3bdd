// An upper limit in place of the operator's own, for a clock that nobody claims.

import { err, ok, type Result } from "../../values/result.ts";
import { type Khz, khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import { notKept, type SysfsError } from "../../values/sysfs-error.ts";
import { FILE } from "./files.ts";
import { type OwnLimits, readKhz } from "./limits.ts";

/** Returns an operator's limits with `ceiling` for the upper one, where that is less; never below the lower one. */
export const withCap = <T extends OwnLimits>(own: T, ceiling: Khz): T => ({
  ...own,
  max: khz(Math.max(own.min, Math.min(ceiling, own.max))),
  noMax: false,
});

/** Writes `ceiling` for scaling_max_freq within an operator's limits. Errors: the kernel's; EIO for what it took and does not show. */
export function writeCap(dir: AttrDir, own: OwnLimits, ceiling: Khz): Result<void, SysfsError> {
  const { max } = withCap(own, ceiling);
  const done = dir.write(FILE.ceiling, `${max}`);
  if (!done.ok) return done;
  const shown = readKhz(dir, FILE.ceiling);
  if (!shown.ok) return shown;
  return shown.value > max ? err(notKept(`${dir.path}/${FILE.ceiling}`, `${max}`, shown.value)) : done;
}

/** Reads whether the kernel's upper limit is above `ceiling`. */
export function exceedsCap(dir: AttrDir, ceiling: Khz): Result<boolean, SysfsError> {
  const shown = readKhz(dir, FILE.ceiling);
  return shown.ok ? ok(shown.value > ceiling) : shown;
}
