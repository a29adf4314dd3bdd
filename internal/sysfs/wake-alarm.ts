// The real-time clock that wakes a sleeping machine.

import { DONE, err, ok, type Result } from "../values/result.ts";
import { absent, AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { listNumbered } from "./numbered.ts";

/** A real-time clock that can wake the machine. Its times are its own seconds, which need not be UTC's. */
export class WakeClock {
  /** Such as rtc0. */
  readonly name: string;
  readonly path: string;
  readonly #dir: AttrDir;

  constructor(name: string, dir: AttrDir) {
    this.name = name;
    this.path = dir.path;
    this.#dir = dir;
  }

  /** Reads the clock in seconds. Errors: as AttrDir.readNumber, ENOENT when it tells no time. */
  now(): Result<number, SysfsError> {
    const now = this.#dir.readNumber("since_epoch");
    if (!now.ok) return now;
    return now.value === undefined ? err(absent(`${this.path}/since_epoch`)) : ok(now.value);
  }

  /** Reads the alarm that is set, in the clock's seconds; undefined when none is. */
  alarm(): Result<number | undefined, SysfsError> {
    const line = this.#dir.read("wakealarm");
    if (!line.ok) return line;
    return ok(line.value && /^\d{1,15}$/.test(line.value) ? Number(line.value) : undefined);
  }

  /**
   * Sets the alarm to `at`, in the clock's seconds. An alarm that stands is cleared first: the kernel answers EBUSY else.
   * Source: drivers/rtc/sysfs.c, wakealarm_store.
   */
  arm(at: number): Result<void, SysfsError> {
    const cleared = this.disarm();
    return cleared.ok ? this.#dir.write("wakealarm", `${at}`) : cleared;
  }

  /** Clears the alarm; does nothing when none is set. */
  disarm(): Result<void, SysfsError> {
    const set = this.alarm();
    if (!set.ok) return set;
    return set.value === undefined ? DONE : this.#dir.write("wakealarm", "0");
  }
}

/**
 * Returns the clock that can wake the machine: the one the system time comes from when it can, else the first that can; undefined
 * when none can. With a name: that one, if it can. The kernel shows wakealarm only on such clocks. Source: Documentation/admin-guide/rtc.rst.
 */
export function findWakeClock(sysfsRoot: string, named?: string): Result<WakeClock | undefined, SysfsError> {
  const folder = `${sysfsRoot}/class/rtc`;
  const numbers = listNumbered(folder, "rtc");
  if (!numbers.ok) return numbers;
  let found: WakeClock | undefined;
  for (const n of numbers.value) {
    const dir = new AttrDir(`${folder}/rtc${n}`);
    if (dir.peek("wakealarm") === undefined || (named !== undefined && named !== `rtc${n}`)) continue;
    const clock = new WakeClock(`rtc${n}`, dir);
    if (dir.peek("hctosys") === "1") return ok(clock);
    found ??= clock;
  }
  return ok(found);
}
