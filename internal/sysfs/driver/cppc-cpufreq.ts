// cppc_cpufreq: Arm servers and hosts that have nothing but CPPC.

import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { BOOST, GENERIC, ranged } from "./parts.ts";

/**
 * A range whose base is CPPC's nominal frequency. Source: drivers/cpufreq/cppc_cpufreq.c; DPDK drivers/power/cppc/cppc_cpufreq.c,
 * power_check_turbo: turbo_enable = 1.
 */
export const cppcCpufreq: CpufreqDriver = {
  names: ["cppc_cpufreq"],
  table: ranged,
  pin: setspeed,
  turbo: BOOST,
  governors: GENERIC,
  turboAtStart: true,
};
