// intel_pstate in active mode: most Intel hosts. It has no governor that takes a frequency.

import { limits } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { intelBase, intelBounds } from "./intel.ts";
import { NO_TURBO, OWN, ranged } from "./parts.ts";

/**
 * A range, one domain per CPU, held by min = max. Source: Documentation/admin-guide/pm/intel_pstate.rst; DPDK
 * drivers/power/intel_pstate/intel_pstate_cpufreq.c, power_pstate_enable_turbo: only that sets turbo_enable.
 */
export const intelPstate: CpufreqDriver = {
  names: ["intel_pstate"],
  table: ranged,
  pin: limits,
  turbo: [NO_TURBO],
  governors: OWN,
  turboAtStart: false,
  base: intelBase,
  bounds: intelBounds,
};
