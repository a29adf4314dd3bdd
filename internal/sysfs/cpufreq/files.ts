// Where cpufreq's files are and what they are called: no other file spells these names.

import { ok, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { type DomainId, domainId } from "../../values/units.ts";
import { AttrDir } from "../attr.ts";
import { listNumbered } from "../numbered.ts";

/** A domain's files. Source: Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst. */
export const FILE = {
  driver: "scaling_driver",
  cpus: "related_cpus",
  governor: "scaling_governor",
  governors: "scaling_available_governors",
  floor: "scaling_min_freq",
  ceiling: "scaling_max_freq",
  speed: "scaling_setspeed",
  observed: "scaling_cur_freq",
  average: "cpuinfo_avg_freq",
  least: "cpuinfo_min_freq",
  greatest: "cpuinfo_max_freq",
  base: "base_frequency",
  frequencies: "scaling_available_frequencies",
  boostFrequencies: "scaling_boost_frequencies",
  firmwareLimit: "bios_limit",
  boost: "boost",
  epp: "energy_performance_preference",
  eppWords: "energy_performance_available_preferences",
} as const;

/** Returns the folder of domain `id`, from the folder of CPUs on. */
export const domainFolder = (id: DomainId): string => `cpufreq/policy${id}`;

/** Returns the files of domain `id`. */
export const domainDir = (cpuRoot: string, id: DomainId): AttrDir =>
  new AttrDir(`${cpuRoot}/${domainFolder(id)}`);

/** Returns the domains of a machine by number; none without cpufreq. Errors: EACCES, ENOTDIR. */
export function listDomains(cpuRoot: string): Result<DomainId[], SysfsError> {
  const numbers = listNumbered(`${cpuRoot}/cpufreq`, "policy");
  return numbers.ok ? ok(numbers.value.map(domainId)) : numbers;
}
