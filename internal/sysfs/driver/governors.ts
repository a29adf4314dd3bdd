// The two kinds of governors: cpufreq's own, and two algorithms of the driver that bear the same names.

import type { Governors } from "./driver.ts";

/** cpufreq's: powersave is the lowest clock, and none minds EPP. Source: Documentation/admin-guide/pm/cpufreq.rst. */
export const GENERIC: Governors = {
  dynamic: ["schedutil", "ondemand", "conservative"],
  holdsEpp: undefined,
};

/**
 * The driver's: powersave follows the load, and performance answers EBUSY to any EPP but its own.
 * Source: Documentation/admin-guide/pm/intel_pstate.rst, active mode; amd-pstate.rst; drivers/cpufreq/intel_pstate.c,
 * intel_pstate_set_energy_pref_index.
 */
export const OWN: Governors = { dynamic: ["powersave"], holdsEpp: "performance" };
