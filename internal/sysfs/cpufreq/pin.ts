// The two ways to hold a policy at one frequency: without them every driver would spell out files and write order again.

import { DONE, ok, type Result } from "../../values/result.ts";
import { type Khz, khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { readKhz } from "./limits.ts";

/** A policy's files, held open to set its frequency. */
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
  const speed = dir.open("scaling_setspeed");
  return {
    take: () => dir.write("scaling_governor", "userspace"),
    set: (_, bytes) => speed.write(bytes),
    told() {
      const line = dir.read("scaling_setspeed");
      if (!line.ok) return line;
      // "<unsupported>" under other governors: these run anything up to the limit.
      return /^\d+$/.test(line.value ?? "") ? ok(khz(Number(line.value))) : readKhz(dir, "scaling_max_freq");
    },
    holds(target) {
      const governor = dir.read("scaling_governor");
      if (!governor.ok) return governor;
      const line = dir.read("scaling_setspeed");
      return line.ok ? ok(governor.value === "userspace" && line.value === `${target}`) : line;
    },
    close: () => speed.close(),
  };
}

/** Pins by scaling_min_freq = scaling_max_freq under whatever governor there is. Source: Documentation/admin-guide/pm/intel_pstate.rst, active mode. */
export function limits(dir: AttrDir): Pin {
  const min = dir.open("scaling_min_freq");
  const max = dir.open("scaling_max_freq");
  // Where both limits stand; unknown before the first write and after one that failed half way.
  let held: Khz | undefined;
  return {
    take: () => DONE,
    set(target, bytes) {
      const now = held === undefined ? readKhz(dir, "scaling_max_freq") : undefined;
      if (now && !now.ok) return now;
      const raising = target >= (held ?? now?.value ?? 0);
      held = undefined;
      const first = raising ? max.write(bytes) : min.write(bytes);
      if (!first.ok) return first;
      const second = raising ? min.write(bytes) : max.write(bytes);
      if (second.ok) held = target;
      return second;
    },
    told: () => readKhz(dir, "scaling_max_freq"),
    holds(target) {
      const top = readKhz(dir, "scaling_max_freq");
      if (!top.ok) return top;
      const bottom = readKhz(dir, "scaling_min_freq");
      return bottom.ok ? ok(top.value === target && bottom.value === target) : bottom;
    },
    close() {
      min.close();
      max.close();
      held = undefined;
    },
  };
}
