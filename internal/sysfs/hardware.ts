// What a policy's files say about its CPUs: without it each driver would read, and misread, the same attributes.

import { err, ok, type Result } from "../values/result.ts";
import { type Khz, khz, type Pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import { notUnderstood, type SysfsError } from "../values/sysfs-error.ts";
import { readKhz } from "./cpufreq/limits.ts";
import { readCpuList } from "./topology.ts";

/** One policy as the kernel describes it, before anyone judges what can be done with it. */
export interface Hardware {
  /** scaling_driver's text. */
  readonly driver: string;
  readonly governors: readonly string[];
  /** related_cpus: online or not. */
  readonly pcpus: readonly Pcpu[];
  readonly min: Khz;
  readonly max: Khz;
  /** The highest frequency that isn't turbo, where the kernel tells. */
  readonly base: Khz | undefined;
  /** Descending, each once; empty when the driver has no table. */
  readonly listed: readonly Khz[];
  /** As `listed`: frequencies that need boost. */
  readonly boosts: readonly Khz[];
  /** False when turbo is off for the whole machine or this policy. */
  readonly turboAllowed: boolean;
}

/**
 * Reads the policy in `dir`. Errors: ENOENT for a file every policy has, EBUSY when its CPUs are offline, EINVAL for odd text.
 * Source: Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst, Documentation/admin-guide/acpi/cppc_sysfs.rst.
 * @param cpuRoot stands for /sys/devices/system/cpu
 */
export function readHardware(cpuRoot: string, dir: AttrDir): Result<Hardware, SysfsError> {
  const driver = dir.read("scaling_driver");
  if (!driver.ok) return driver;
  if (driver.value === undefined)
    return err({ kind: "sysfs", op: "read", path: `${dir.path}/scaling_driver`, code: "ENOENT" });
  const governors = dir.read("scaling_available_governors");
  if (!governors.ok) return governors;
  const pcpus = readCpuList(dir, "related_cpus");
  if (!pcpus.ok) return pcpus;
  if (pcpus.value.length === 0) return err(notUnderstood(`${dir.path}/related_cpus`, ""));
  const min = readKhz(dir, "cpuinfo_min_freq");
  if (!min.ok) return min;
  const max = readKhz(dir, "cpuinfo_max_freq");
  if (!max.ok) return max;
  if (min.value <= 0 || max.value < min.value)
    return err(notUnderstood(`${dir.path}/cpuinfo_max_freq`, `${max.value}`));
  const base = readBase(cpuRoot, dir, pcpus.value[0]);
  if (!base.ok) return base;
  const listed = readFrequencies(dir, "scaling_available_frequencies");
  if (!listed.ok) return listed;
  const boosts = readFrequencies(dir, "scaling_boost_frequencies");
  if (!boosts.ok) return boosts;
  const turboAllowed = readTurboAllowed(cpuRoot, dir);
  if (!turboAllowed.ok) return turboAllowed;
  return ok({
    driver: driver.value,
    governors: (governors.value ?? "").split(" "),
    pcpus: pcpus.value,
    min: min.value,
    max: max.value,
    base: base.value,
    listed: listed.value,
    boosts: boosts.value,
    turboAllowed: turboAllowed.value,
  });
}

/** base_frequency (kHz, intel_pstate) or else CPPC's nominal_freq (MHz, 0 when the firmware gives none). */
function readBase(cpuRoot: string, dir: AttrDir, cpu: Pcpu | undefined): Result<Khz | undefined, SysfsError> {
  const base = dir.readNumber("base_frequency");
  if (!base.ok) return base;
  if (base.value) return ok(khz(base.value));
  const nominal = new AttrDir(`${cpuRoot}/cpu${cpu}/acpi_cppc`).readNumber("nominal_freq");
  return nominal.ok ? ok(nominal.value ? khz(nominal.value * 1000) : undefined) : nominal;
}

function readFrequencies(dir: AttrDir, name: string): Result<Khz[], SysfsError> {
  const line = dir.read(name);
  if (!line.ok) return line;
  const words = (line.value ?? "").split(" ").filter((word) => word !== "");
  if (!words.every((word) => /^[1-9]\d{0,14}$/.test(word)))
    return err(notUnderstood(`${dir.path}/${name}`, line.value ?? ""));
  return ok([...new Set(words.map(Number))].sort((a, b) => b - a).map(khz));
}

/** These switches belong to the whole machine: they are read and never written. */
function readTurboAllowed(cpuRoot: string, dir: AttrDir): Result<boolean, SysfsError> {
  const switches = [
    { at: new AttrDir(`${cpuRoot}/intel_pstate`), name: "no_turbo", off: "1" },
    { at: new AttrDir(`${cpuRoot}/cpufreq`), name: "boost", off: "0" },
    { at: dir, name: "boost", off: "0" },
  ];
  for (const { at, name, off } of switches) {
    const line = at.read(name);
    if (!line.ok) return line;
    if (line.value === off) return ok(false);
  }
  return ok(true);
}
