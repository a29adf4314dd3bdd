// The vendors' drivers in passive mode: without it a host booted with intel_pstate=passive or amd_pstate=passive would not be known.

import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { ranged } from "./table.ts";

/** A range under generic governors. Source: Documentation/admin-guide/pm/{intel_pstate,amd-pstate}.rst, passive mode. */
export const userspacePassive: CpufreqDriver = {
  names: ["intel_cpufreq", "amd-pstate"],
  table: ranged,
  pin: setspeed,
};
