// Limits in per cent that intel_pstate sets beside those of each domain, where no scaling_max_freq shows them.

import type { Hardware } from "../driver/driver.ts";
import { AttrDir } from "../attr.ts";

/** One of the two files, where it limits. */
export interface PercentLimit {
  /** From the folder of CPUs on. */
  readonly file: string;
  /** Of the highest frequency with turbo. */
  readonly percent: number;
}

const FILE = { max: "intel_pstate/max_perf_pct", min: "intel_pstate/min_perf_pct" } as const;

/** What a P-state of the driver counts, kHz: a floor that is not a whole one of them above the least one moves nothing. */
const STEP = 100_000;

/**
 * Returns which of max_perf_pct and min_perf_pct narrow the range of `found`; none where the driver has no such files.
 * Source: Documentation/admin-guide/pm/intel_pstate.rst, Global Attributes.
 */
export function readPercentLimits(cpuRoot: string, found: Hardware): PercentLimit[] {
  const dir = new AttrDir(cpuRoot);
  const [max = 100, min = 0] = [dir.peekNumber(FILE.max), dir.peekNumber(FILE.min)];
  return [
    ...(max < 100 ? [{ file: FILE.max, percent: max }] : []),
    ...((found.max * min) / 100 >= found.min + STEP ? [{ file: FILE.min, percent: min }] : []),
  ];
}
