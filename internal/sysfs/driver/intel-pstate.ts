// intel_pstate in active mode: without it most Intel hosts would be pinned by a governor that this driver doesn't have.

import { limits } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { ranged } from "./table.ts";

/** A range, one policy per CPU, held by min = max. Source: Documentation/admin-guide/pm/intel_pstate.rst. */
export const intelPstate: CpufreqDriver = { names: ["intel_pstate"], table: ranged, pin: limits };
