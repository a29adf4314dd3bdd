import { expect, test } from "bun:test";
import { type Bound, limitsIn } from "../../internal/claims/limits.ts";
import { khz } from "../../internal/values/units.ts";

const table = { steps: [2601000, 2600000, 2000000, 1400000, 800000].map(khz), nominal: 1 };

test.each([
  ["min", "max", undefined, undefined],
  ["base", "base", 2600000, 2600000],
  ["max", "min", 2601000, 800000],
  [1500000, 1500000, 2000000, 1400000],
  [1, 1, 800000, 800000],
  [9000000, 9000000, 2601000, 2601000],
] as const)("limitsIn() takes floor %p and ceiling %p to %p and %p", (floor, ceiling, low, high) => {
  expect(limitsIn(table, floor as Bound, ceiling as Bound) as unknown).toEqual({ floor: low, ceiling: high });
});
