// The clock outside of the cores: mesh and memory controller of Intel servers.

import { all, ok, type Result } from "../values/result.ts";
import type { Khz } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { readKhz } from "./cpufreq/limits.ts";
import { listFolder } from "./numbered.ts";

/** One uncore domain; kHz. Source: Documentation/admin-guide/pm/intel_uncore_frequency_scaling.rst. */
export interface Uncore {
  /** Such as package_00_die_00, or uncore00 on newer machines. */
  readonly name: string;
  readonly min: Khz;
  readonly max: Khz;
  readonly initialMin: Khz;
  readonly initialMax: Khz;
  readonly current: Khz | undefined;
}

const FOLDER = "intel_uncore_frequency";
const LIMITS = {
  min: "min_freq_khz",
  max: "max_freq_khz",
  initialMin: "initial_min_freq_khz",
  initialMax: "initial_max_freq_khz",
} as const;

/** Returns whether a folder of this name is an uncore domain. */
export const isUncore = (name: string): boolean => /^(package_\d+_die_\d+|uncore\d+)$/.test(name);

/** Returns where a limit of uncore domain `name` is, from the folder of CPUs on. */
export const uncorePath = (name: string, limit: "min" | "max"): string =>
  `${FOLDER}/${name}/${LIMITS[limit]}`;

/** Reads all uncore domains by name; none without the driver. Errors: as AttrDir.readNumber. */
export function readUncore(cpuRoot: string): Result<Uncore[], SysfsError> {
  const names = listFolder(`${cpuRoot}/${FOLDER}`);
  if (!names.ok) return names;
  const found: Uncore[] = [];
  for (const name of names.value.filter(isUncore)) {
    const dir = new AttrDir(`${cpuRoot}/${FOLDER}/${name}`);
    const limits = all({
      min: readKhz(dir, LIMITS.min),
      max: readKhz(dir, LIMITS.max),
      initialMin: readKhz(dir, LIMITS.initialMin),
      initialMax: readKhz(dir, LIMITS.initialMax),
      current: dir.readNumber("current_freq_khz") as Result<Khz | undefined, SysfsError>,
    });
    if (!limits.ok) return limits;
    found.push({ name, ...limits.value });
  }
  return ok(found);
}
