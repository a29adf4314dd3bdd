// Watts against the power budget, and who pays, in one line.

import type { BudgetGlance } from "../../api/budget.ts";

/** Returns such as "104.2 of 110 W, paid by batch, web"; "none" without a budget. */
export function budgetLine(budget: Omit<BudgetGlance, "says">): string {
  if (budget.budgetWatts === undefined) return "none";
  const { budgetWatts, drawnWatts, meterLost, floorsTooHigh, payers, morePayers } = budget;
  const who = [...payers, ...(morePayers > 0 ? [`${morePayers} more`] : [])].join(", ");
  return [
    `${drawnWatts === undefined ? "an unknown number" : drawnWatts.toFixed(1)} of ${budgetWatts} W`,
    ...(meterLost === undefined ? [] : [`the meter is lost (${meterLost})`]),
    ...(floorsTooHigh ? [`the floors take ${drawnWatts?.toFixed(0) ?? "more"} of ${budgetWatts} W`] : []),
    who === "" ? "nobody pays" : `paid by ${who}`,
  ].join(", ");
}
