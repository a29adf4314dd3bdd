// BRANCH_RATIO against traces: a core that works, one that polls, one that sleeps.

import { describe, expect, test } from "bun:test";
import { type BranchRatioPolicy, POLICY_DEFAULTS } from "../../internal/values/policy.ts";
import { branchRatio } from "../../internal/rules/branch-ratio.ts";
import { type BranchSample, UNDECIDED } from "../../internal/rules/rule.ts";

const RULE: BranchRatioPolicy = {
  type: "branch-ratio",
  threshold: POLICY_DEFAULTS.threshold,
  quietSamples: POLICY_DEFAULTS.quietSamples,
};
/** 100 ms of a core that polls an empty queue, of one that forwards packets, of one that is halted. */
const POLLING = { branches: 60_000_000, misses: 9_000 };
const WORKING = { branches: 45_000_000, misses: 310_000 };
const HALTED = { branches: 4_200, misses: 1_900 };

/** Returns the level after each sample. */
function follow(trace: readonly (BranchSample | undefined)[]) {
  let verdict = UNDECIDED;
  return trace.map((branches) => {
    verdict = branchRatio.evaluate(RULE, { now: 0, branches }, verdict);
    return verdict.level;
  });
}

const times = <T>(n: number, sample: T): T[] => Array<T>(n).fill(sample);

describe("branchRatio.evaluate()", () => {
  test("says max at the first busy sample", () => {
    expect(follow([WORKING])).toEqual(["max"]);
  });

  test("leaves things as they are until 32 quiet samples in a row, then says min", () => {
    const levels = follow(times(33, POLLING));
    expect(levels.slice(0, 31)).toEqual(times(31, undefined));
    expect(levels.slice(31)).toEqual(["min", "min"]);
  });

  test("starts to count anew after a busy sample", () => {
    const levels = follow([...times(31, POLLING), WORKING, ...times(32, POLLING)]);
    expect(levels[31]).toBe("max");
    expect(levels.slice(32, 63)).toEqual(times(31, "max"));
    expect(levels[63]).toBe("min");
  });

  test("goes from min to max at once", () => {
    expect(follow([...times(40, POLLING), WORKING]).at(-1)).toBe("max");
  });

  test("takes a core that hardly runs for quiet, whatever its ratio", () => {
    expect(follow(times(32, HALTED)).at(-1)).toBe("min");
  });

  test("is quiet at the threshold itself", () => {
    expect(follow([{ branches: 1_000_000, misses: 1000 }])).toEqual([undefined]);
    expect(follow([{ branches: 1_000_000, misses: 1001 }])).toEqual(["max"]);
  });

  test("remembers through a sample that is missing", () => {
    expect(follow([...times(31, POLLING), undefined, POLLING]).at(-1)).toBe("min");
  });
});
