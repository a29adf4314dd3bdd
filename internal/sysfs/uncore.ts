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
  /** Its package; undefined where the kernel does not say. */
  readonly home: number | undefined;
  /** Its die within the package; older kernels do not say it of uncoreNN. */
  readonly die: number | undefined;
  /** What it serves, of core, cache, memory and io; none where the kernel does not say. */
  readonly agents: readonly string[];
  readonly min: Khz;
  readonly max: Khz;
  readonly initialMin: Khz;
  readonly initialMax: Khz;
  readonly current: Khz | undefined;
}

/** The hardware counts in ratios of 100 MHz. Source: drivers/platform/x86/intel/uncore-frequency, UNCORE_FREQ_KHZ_MULTIPLIER. */
export const UNCORE_STEP_KHZ = 100_000;

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

/**
 * Reads all uncore domains by name; none without the driver. Where a package has domains of its own (uncoreNN), package_NN_die_NN beside
 * them stands for several at once and is left out: it would be set twice. Errors: as AttrDir.readNumber.
 */
export function readUncore(cpuRoot: string): Result<Uncore[], SysfsError> {
  const names = listFolder(`${cpuRoot}/${FOLDER}`);
  if (!names.ok) return names;
  const found: Uncore[] = [];
  const domains = names.value.filter(isUncore);
  const own = domains.filter((name) => name.startsWith("uncore"));
  for (const name of own.length > 0 ? own : domains) {
    const dir = new AttrDir(`${cpuRoot}/${FOLDER}/${name}`);
    const limits = all({
      min: readKhz(dir, LIMITS.min),
      max: readKhz(dir, LIMITS.max),
      initialMin: readKhz(dir, LIMITS.initialMin),
      initialMax: readKhz(dir, LIMITS.initialMax),
      current: dir.readNumber("current_freq_khz") as Result<Khz | undefined, SysfsError>,
    });
    if (!limits.ok) return limits;
    const [, home, die] = /^package_(\d+)_die_(\d+)$/.exec(name) ?? [];
    found.push({
      name,
      home: home === undefined ? dir.peekNumber("package_id") : Number(home),
      die: die === undefined ? dir.peekNumber("die_id") : Number(die),
      agents: (dir.peek("agent_types") ?? "").split(" ").filter((word) => word !== ""),
      ...limits.value,
    });
  }
  return ok(found);
}
