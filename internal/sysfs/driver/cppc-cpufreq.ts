// cppc_cpufreq: without it Arm servers and CPPC-only hosts would not be known.

import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { ranged } from "./table.ts";

/** A range whose base is CPPC's nominal frequency. Source: DPDK drivers/power/cppc/cppc_cpufreq.c, drivers/cpufreq/cppc_cpufreq.c. */
export const cppcCpufreq: CpufreqDriver = { names: ["cppc_cpufreq"], table: ranged, pin: setspeed };
