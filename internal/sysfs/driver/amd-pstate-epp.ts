// amd-pstate in active mode: recent EPYC hosts. It has no governor that takes a frequency.

import { limits } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { BOOST, OWN, ranged } from "./parts.ts";

/** A range held by min = max; EPP is left alone. DPDK does not know it: turbo is as in passive mode. Source: Documentation/admin-guide/pm/amd-pstate.rst. */
export const amdPstateEpp: CpufreqDriver = {
  names: ["amd-pstate-epp"],
  table: ranged,
  pin: limits,
  turbo: BOOST,
  governors: OWN,
  turboAtStart: true,
};
