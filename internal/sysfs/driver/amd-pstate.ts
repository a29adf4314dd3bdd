// amd-pstate in passive and guided mode.

import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { BOOST, GENERIC, ranged } from "./parts.ts";

/**
 * A range under cpufreq's governors. Source: Documentation/admin-guide/pm/amd-pstate.rst; DPDK drivers/power/amd_pstate/amd_pstate_cpufreq.c,
 * power_check_turbo: turbo_enable = 1.
 */
export const amdPstate: CpufreqDriver = {
  names: ["amd-pstate"],
  table: ranged,
  pin: setspeed,
  turbo: BOOST,
  governors: GENERIC,
  turboAtStart: true,
};
