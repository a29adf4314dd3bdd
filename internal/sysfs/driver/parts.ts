// What drivers are made of: the two kinds of frequency tables, of governors, and of switches of turbo.

import type { FrequencyTable } from "../../values/frequency.ts";
import { khz } from "../../values/units.ts";
import type { Governors, Hardware, TurboFile } from "./driver.ts";
import { STEP } from "./intel.ts";

/** Returns the table that the driver itself lists, boost entries first where boost is on; a range when it lists none. */
export function listed(found: Hardware): FrequencyTable {
  if (found.listed.length === 0) return ranged(found);
  const top = found.listed[0] ?? found.max;
  const boosts = found.turboAllowed ? found.boosts.filter((boost) => boost > top) : [];
  return { steps: [...boosts, ...found.listed], nominal: boosts.length };
}

/**
 * Returns steps of 100 MHz from the base frequency down to the least; the greatest comes first as turbo when it is above base and
 * turbo is on. Source: DPDK drivers/power/intel_pstate/intel_pstate_cpufreq.c, power_get_available_freqs.
 */
export function ranged(found: Hardware): FrequencyTable {
  const base = Math.max(found.min, Math.min(found.base ?? found.max, found.max));
  const turbo = found.turboAllowed && found.max > base;
  const steps = turbo ? [found.max] : [];
  for (let step: number = base; step > found.min; step -= STEP) steps.push(khz(step));
  steps.push(found.min);
  return { steps, nominal: turbo ? 1 : 0 };
}

/** cpufreq's: powersave is the lowest clock, and none minds EPP. Source: Documentation/admin-guide/pm/cpufreq.rst. */
export const GENERIC: Governors = {
  dynamic: ["schedutil", "ondemand", "conservative"],
  holdsEpp: undefined,
  eppWords: [],
};

/**
 * The driver's: powersave follows the load, and performance answers EBUSY to any EPP but its own.
 * Source: Documentation/admin-guide/pm/intel_pstate.rst, active mode; amd-pstate.rst; drivers/cpufreq/intel_pstate.c,
 * intel_pstate_set_energy_pref_index; drivers/cpufreq/amd-pstate.c, show_energy_performance_available_preferences.
 */
export const OWN: Governors = {
  dynamic: ["powersave"],
  holdsEpp: "performance",
  eppWords: ["default", "performance", "balance_performance", "balance_power", "power"],
};

/** cpufreq's own switches: of the whole machine and, since Linux 6.11 or where the driver says so, of each domain. Source: Documentation/admin-guide/pm/{cpufreq,amd-pstate}.rst. */
export const BOOST: readonly TurboFile[] = [
  { file: "cpufreq/boost", on: "1", off: "0" },
  { file: undefined, on: "1", off: "0" },
];

/** Intel's, which says the opposite of boost. Source: Documentation/admin-guide/pm/intel_pstate.rst. */
export const NO_TURBO: TurboFile = { file: "intel_pstate/no_turbo", on: "0", off: "1" };
