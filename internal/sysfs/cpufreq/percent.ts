// Limits in per cent that intel_pstate sets beside those of each domain, where no scaling_max_freq shows them.

import type { Hardware } from "../driver/driver.ts";
import { PERCENT } from "../driver/intel.ts";
import { AttrDir } from "../attr.ts";

/** One of the two files, where it limits. */
export interface PercentLimit {
  /** From the folder of CPUs on. */
  readonly file: string;
  /** Of the highest frequency with turbo. */
  readonly percent: number;
}

/** Returns which of max_perf_pct and min_perf_pct narrow the range of `found`; none where its driver has no such files. */
export function readPercentLimits(cpuRoot: string, { min, max, bounds }: Hardware): PercentLimit[] {
  const dir = new AttrDir(cpuRoot);
  const narrows = { max: bounds.max < max, min: bounds.min > min };
  return (["max", "min"] as const).flatMap((end) => {
    const percent = narrows[end] ? dir.peekNumber(PERCENT[end]) : undefined;
    return percent === undefined ? [] : [{ file: PERCENT[end], percent }];
  });
}
