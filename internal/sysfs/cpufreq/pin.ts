// The two ways to hold a domain at one frequency: by governor userspace, and by equal limits.

import { DONE, ok, type Result } from "../../values/result.ts";
import { type Khz, khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { FILE } from "./files.ts";
import { readKhz, readLimits } from "./limits.ts";

/** A domain's files, held open to set its frequency. */
export interface Pin {
  /** Takes the governor, if this way needs one. On failure nothing was written. */
  take(): Result<void, SysfsError>;
  /** Writes `target`, whose text is `bytes`; allocates nothing. */
  set(target: Khz, bytes: Buffer): Result<void, SysfsError>;
  /** Reads what the kernel was told. */
  told(): Result<Khz, SysfsError>;
  /** Reads whether the kernel still holds to `target`. */
  holds(target: Khz): Result<boolean, SysfsError>;
  /** Gives the files back; the next set() opens them anew. */
  close(): void;
}

/** Pins by governor userspace and scaling_setspeed. Source: Documentation/admin-guide/pm/cpufreq.rst, userspace. */
export function setspeed(dir: AttrDir): Pin {
  const speed = dir.open(FILE.speed);
  return {
    take: () => dir.write(FILE.governor, "userspace"),
    set: (_, bytes) => speed.write(bytes),
    told() {
      const line = dir.read(FILE.speed);
      if (!line.ok) return line;
      // "<unsupported>" under other governors: these run anything up to the limit.
      return /^\d+$/.test(line.value ?? "") ? ok(khz(Number(line.value))) : readKhz(dir, FILE.ceiling);
    },
    holds(target) {
      const governor = dir.read(FILE.governor);
      if (!governor.ok) return governor;
      const line = dir.read(FILE.speed);
      return line.ok ? ok(governor.value === "userspace" && line.value === `${target}`) : line;
    },
    close: () => speed.close(),
  };
}

/** Pins by scaling_min_freq = scaling_max_freq under whatever governor there is. Source: Documentation/admin-guide/pm/intel_pstate.rst, active mode. */
export function limits(dir: AttrDir): Pin {
  const min = dir.open(FILE.floor);
  const max = dir.open(FILE.ceiling);
  // Where both limits stand; unknown before the first write and after one that failed half way.
  let held: Khz | undefined;
  return {
    take: () => DONE,
    set(target, bytes) {
      const now = held === undefined ? readKhz(dir, FILE.ceiling) : undefined;
      if (now && !now.ok) return now;
      const raising = target >= (held ?? now?.value ?? 0);
      held = undefined;
      const first = raising ? max.write(bytes) : min.write(bytes);
      if (!first.ok) return first;
      const second = raising ? min.write(bytes) : max.write(bytes);
      if (second.ok) held = target;
      return second;
    },
    told: () => readKhz(dir, FILE.ceiling),
    holds(target) {
      const now = readLimits(dir);
      return now.ok ? ok(now.value.max === target && now.value.min === target) : now;
    },
    close() {
      min.close();
      max.close();
      held = undefined;
    },
  };
}
