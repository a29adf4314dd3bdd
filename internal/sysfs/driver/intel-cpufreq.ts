// intel_cpufreq: intel_pstate in passive mode.

import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { intelBase, intelBounds, intelShows } from "./intel.ts";
import { GENERIC, NO_TURBO, ranged } from "./parts.ts";

/** A range under cpufreq's governors. DPDK does not know it: turbo is as in active mode. Source: Documentation/admin-guide/pm/intel_pstate.rst, passive mode. */
export const intelCpufreq: CpufreqDriver = {
  names: ["intel_cpufreq"],
  table: ranged,
  pin: setspeed,
  turbo: [NO_TURBO],
  governors: GENERIC,
  turboAtStart: false,
  base: intelBase,
  bounds: intelBounds,
  shows: intelShows,
};
