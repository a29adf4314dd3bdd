// intel_cpufreq: intel_pstate in passive mode.

import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { intelBase, intelBounds, intelShows } from "./intel.ts";
import { GENERIC, NO_TURBO, ranged } from "./parts.ts";

/** A range under cpufreq's governors. Source: Documentation/admin-guide/pm/intel_pstate.rst, passive mode. */
export const intelCpufreq: CpufreqDriver = {
  names: ["intel_cpufreq"],
  table: ranged,
  pin: setspeed,
  turbo: [NO_TURBO],
  governors: GENERIC,
  base: intelBase,
  bounds: intelBounds,
  shows: intelShows,
};
