// The clock outside of the cores: without it mesh and memory controller of Intel servers would run at whatever they like.

import { readdirSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";
import { type Khz, khz } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";
import { readKhz } from "./cpufreq/limits.ts";

/** One uncore domain; kHz. Source: Documentation/admin-guide/pm/intel_uncore_frequency_scaling.rst. */
export interface Uncore {
  /** Such as package_00_die_00, or uncore00 on newer machines. */
  readonly name: string;
  /** From the folder of CPUs on. */
  readonly path: string;
  readonly min: Khz;
  readonly max: Khz;
  readonly initialMin: Khz;
  readonly initialMax: Khz;
  readonly current: Khz | undefined;
}

/** Reads all uncore domains by name; none without the driver. Errors: as AttrDir.readNumber. */
export function readUncore(cpuRoot: string): Result<Uncore[], SysfsError> {
  const folder = `${cpuRoot}/intel_uncore_frequency`;
  let names: string[];
  try {
    names = readdirSync(folder)
      .filter((name) => /^(package_\d+_die_\d+|uncore\d+)$/.test(name))
      .sort();
  } catch (thrown) {
    const error = sysfsError("read", folder, thrown);
    return error.code === "ENOENT" ? ok([]) : err(error);
  }
  const found: Uncore[] = [];
  for (const name of names) {
    const dir = new AttrDir(`${folder}/${name}`);
    const values: Khz[] = [];
    for (const file of ["min_freq_khz", "max_freq_khz", "initial_min_freq_khz", "initial_max_freq_khz"]) {
      const value = readKhz(dir, file);
      if (!value.ok) return value;
      values.push(value.value);
    }
    const [min = khz(0), max = khz(0), initialMin = khz(0), initialMax = khz(0)] = values;
    const current = dir.readNumber("current_freq_khz");
    if (!current.ok) return current;
    found.push({
      name,
      path: `intel_uncore_frequency/${name}`,
      min,
      max,
      initialMin,
      initialMax,
      current: current.value === undefined ? undefined : khz(current.value),
    });
  }
  return ok(found);
}
