import { expect, test } from "bun:test";
import { budgetLine } from "../../../internal/daemon/budget/budget-line.ts";

const budget = {
  budgetWatts: 110,
  origin: "file",
  drawnWatts: 104.23,
  floorsTooHigh: false,
  payers: ["batch", "web"],
  morePayers: 3,
} as const;

test.each([
  [{}, "104.2 of 110 W, paid by batch, web, 3 more"],
  [{ payers: [], morePayers: 0 }, "104.2 of 110 W, nobody pays"],
  [
    { drawnWatts: undefined, meterLost: "it is gone" },
    "an unknown number of 110 W, the meter is lost (it is gone), paid by batch, web, 3 more",
  ],
  [
    { drawnWatts: 130, floorsTooHigh: true },
    "130.0 of 110 W, the floors take 130 of 110 W, paid by batch, web, 3 more",
  ],
  [{ budgetWatts: undefined, drawnWatts: undefined }, "none"],
])("budgetLine() of %j", (more, line) => {
  expect(budgetLine({ ...budget, ...more })).toBe(line);
});
