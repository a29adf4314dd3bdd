// Whether a domain's limits leave room for what was told to it: another tool, or the kernel when it is too hot, may have moved them.

import { DONE, ok, type Result } from "../../values/result.ts";
import type { Khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { type KhzRange, type OwnLimits, readLimits, writeLimits } from "./limits.ts";

export class Room {
  readonly #attrs: AttrDir;
  /** Limits that stayed when they were widened: the kernel's, as when it is too hot. */
  #tight: KhzRange | undefined;

  constructor(attrs: AttrDir) {
    this.#attrs = attrs;
  }

  /** Reads the limits and returns them when they exclude `target`, which the operator's own did not. @param range what those leave */
  narrowed(target: Khz, range: KhzRange): Result<KhzRange | undefined, SysfsError> {
    if (!includes(range, target)) return ok(undefined);
    const now = readLimits(this.#attrs);
    return now.ok ? ok(includes(now.value, target) ? undefined : now.value) : now;
  }

  /** Widens limits that exclude `target` to the operator's own, and remembers those that stay as they were. */
  make(target: Khz, range: KhzRange, own: OwnLimits | undefined): Result<void, SysfsError> {
    this.#tight = undefined;
    const narrowed = this.narrowed(target, range);
    if (!narrowed.ok) return narrowed;
    if (narrowed.value === undefined || !own) return DONE;
    const widened = writeLimits(this.#attrs, own);
    if (!widened.ok) return widened;
    const left = this.narrowed(target, range);
    if (left.ok) this.#tight = left.value;
    return DONE;
  }

  /** Returns whether limits are those that could not be widened. */
  isTight(limits: KhzRange): boolean {
    return limits.min === this.#tight?.min && limits.max === this.#tight?.max;
  }

  /** Forgets what could not be widened. */
  forget(): void {
    this.#tight = undefined;
  }
}

const includes = ({ min, max }: KhzRange, target: Khz): boolean => min <= target && target <= max;
