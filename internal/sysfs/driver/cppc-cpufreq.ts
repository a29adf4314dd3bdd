// cppc_cpufreq: Arm servers and hosts that have nothing but CPPC.

import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { GENERIC } from "./governors.ts";
import { ranged } from "./table.ts";
import { BOOST } from "./turbo.ts";

/** A range whose base is CPPC's nominal frequency. Source: DPDK drivers/power/cppc/cppc_cpufreq.c, drivers/cpufreq/cppc_cpufreq.c. */
export const cppcCpufreq: CpufreqDriver = {
  names: ["cppc_cpufreq"],
  table: ranged,
  pin: setspeed,
  turbo: BOOST,
  governors: GENERIC,
};
