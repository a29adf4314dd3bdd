// BRANCH_RATIO: a polling core predicts its branches, a working one misses some.
// Source: DPDK examples/vm_power_manager/oob_monitor_x86.c, apply_policy.

import type { BranchRatioPolicy } from "../values/policy.ts";
import type { Rule } from "./rule.ts";

/** Fewer branches in a sample are a core that hardly runs: their ratio says nothing, so the sample is a quiet one. */
const MIN_BRANCHES = 10_000;

/** Max at once when the share of missed branches is above the threshold; min after `quietSamples` samples in a row that are not. */
export const branchRatio: Rule<BranchRatioPolicy> = {
  watches: () => "branches",
  nextLook: () => undefined,
  evaluate(rule, { branches: sample }, before) {
    if (sample === undefined) return before;
    const { branches, misses } = sample;
    if (branches >= MIN_BRANCHES && misses > branches * rule.threshold) return { level: "max", quiet: 0 };
    if (before.quiet >= rule.quietSamples) return before;
    const quiet = before.quiet + 1;
    return { level: quiet < rule.quietSamples ? before.level : "min", quiet };
  },
};
