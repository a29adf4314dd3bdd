// intel_pstate in active mode: most Intel hosts. It has no governor that takes a frequency.

import { limits } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { OWN } from "./governors.ts";
import { ranged } from "./table.ts";
import { NO_TURBO } from "./turbo.ts";

/** A range, one domain per CPU, held by min = max. Source: Documentation/admin-guide/pm/intel_pstate.rst. */
export const intelPstate: CpufreqDriver = {
  names: ["intel_pstate"],
  table: ranged,
  pin: limits,
  turbo: [NO_TURBO],
  governors: OWN,
};
