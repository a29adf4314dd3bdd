// What was written to the clocks, what failed, and for how long each frequency held.

import type { SysfsError } from "../values/sysfs-error.ts";
import type { DomainId } from "../values/units.ts";

/** A domain's time at each frequency. */
interface Times {
  /** ms by kHz; at most one entry for each of the domain's frequencies. */
  readonly ms: Map<number, number>;
  /** What it is set to now; undefined while nobody claims it. */
  khz: number | undefined;
  /** performance.now() when it was. */
  since: number;
}

/**
 * A rate over a counter that begins with 1 is 0: its first error would be told to nobody. Source: drivers/cpufreq/cpufreq.c, store()
 * (EBUSY, EINVAL), fs/kernfs/file.c (ENODEV), open(2) (EACCES, ENOENT, EPERM); EIO also where a value was not kept.
 */
const KNOWN = ["EACCES", "EBUSY", "EINVAL", "EIO", "ENODEV", "ENOENT", "EPERM"];

export class WriteMeter {
  /** Changes that were tried. */
  writes = 0;
  /** Those that failed, by errno; those that files of cpufreq are known to answer are there from the start. */
  readonly errors = new Map<string, number>(KNOWN.map((code) => [code, 0]));
  readonly #times = new Map<DomainId, Times>();

  /**
   * Counts a change of a domain's frequency.
   * @param khz undefined when the domain was given back, or when the change failed
   * @param nowMs a clock that never goes back, in ms
   */
  wrote(id: DomainId, khz: number | undefined, error: SysfsError | undefined, nowMs: number): void {
    this.writes++;
    if (error !== undefined) {
      this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
      return;
    }
    const times = this.#times.get(id);
    if (times === undefined) {
      this.#times.set(id, { ms: new Map(), khz, since: nowMs });
      return;
    }
    settle(times, nowMs);
    times.khz = khz;
  }

  /** Yields how long each domain was held at each frequency, until `nowMs`. */
  *timeInState(
    nowMs: number,
  ): Generator<{ readonly id: DomainId; readonly khz: number; readonly s: number }> {
    for (const [id, times] of this.#times) {
      settle(times, nowMs);
      for (const [khz, ms] of times.ms) yield { id, khz, s: ms / 1000 };
    }
  }
}

function settle(times: Times, nowMs: number): void {
  if (times.khz !== undefined) times.ms.set(times.khz, (times.ms.get(times.khz) ?? 0) + nowMs - times.since);
  times.since = nowMs;
}
