// amd-pstate in active mode: without it recent EPYC hosts would be pinned by a governor that this driver doesn't have.

import { limits } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { ranged } from "./table.ts";

/** A range held by min = max; EPP is left alone, it answers EBUSY under governor performance. Source: Documentation/admin-guide/pm/amd-pstate.rst. */
export const amdPstateEpp: CpufreqDriver = { names: ["amd-pstate-epp"], table: ranged, pin: limits };
