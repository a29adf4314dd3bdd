// Who pays: one number says how far down the priorities the money goes, and each clock's ceiling follows from it.

import type { Khz } from "../values/units.ts";
import { PRIORITIES, type Priority } from "../values/vm-settings.ts";
import { type BudgetClock, costOf, costsOf } from "./clock.ts";

/**
 * How far the watts go, from 0 (all at their floors) to FULL (nobody pays). The first whole number is the high priority's headroom, the
 * second the normal's, the third the low's: what comes back goes to the highest first, what is cut comes from the lowest.
 */
export type Reach = number;
export const FULL: Reach = PRIORITIES.length;
/** All but high at their floors. */
export const HIGH_ALONE = 1;

/** Returns the share of its headroom, 0 to 1, that a priority may use. */
export const shareOf = (priority: Priority, reach: Reach): number =>
  Math.min(1, Math.max(0, reach - PRIORITIES.indexOf(priority)));

/**
 * An idle CPU counts for so much of one at work: it may wake at once, and what the kernel counts as work is not all that draws power. Without it
 * a load that nobody sees could be met by all or nothing alone.
 */
const LEAST_BUSY = 0.1;

/** Returns what the clocks draw at `reach`, in CPUs at work at their highest step. */
export function spendAt(clocks: readonly BudgetClock[], reach: Reach): number {
  const ceilings = ceilingsAt(clocks, reach);
  let sum = 0;
  for (const { id, steps, wish, busy, cpus } of clocks)
    sum += Math.max(busy, LEAST_BUSY * cpus) * costOf(steps, Math.min(wish, ceilings.get(id) ?? wish));
  return sum;
}

/** Halvings: finer than the smallest step of any clock. */
const HALVINGS = 24;

/** Returns the farthest reach at which the clocks draw `spend` at most; 0 when even their floors draw more. */
export function reachFor(clocks: readonly BudgetClock[], spend: number): Reach {
  if (spendAt(clocks, FULL) <= spend) return FULL;
  let [under, over] = [0, FULL];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (under + over) / 2;
    if (spendAt(clocks, middle) <= spend) under = middle;
    else over = middle;
  }
  return under;
}

/**
 * Returns each clock's ceiling at `reach`, by id; a clock that may use its whole range has none. What one clock's steps leave of its share
 * goes to the next of the same priority, so that many clocks with coarse steps come near to what was meant, and never above.
 */
export function ceilingsAt(clocks: readonly BudgetClock[], reach: Reach): ReadonlyMap<number, Khz> {
  const ceilings = new Map<number, Khz>();
  if (reach >= FULL) return ceilings;
  const left: Record<Priority, number> = { high: 0, normal: 0, low: 0 };
  for (const { id, priority, steps, floor, cpus } of clocks) {
    const share = shareOf(priority, reach);
    if (share >= 1) continue;
    const costs = costsOf(steps);
    const least = costOf(steps, floor);
    const most = least + share * ((costs[0] ?? least) - least) + left[priority] / cpus;
    const at = costs.findIndex((cost) => cost <= most + ROUNDING);
    const step = steps[at] ?? floor;
    const ceiling = step >= floor ? step : floor;
    left[priority] = Math.max(0, (most - (step >= floor ? (costs[at] ?? least) : least)) * cpus);
    ceilings.set(id, ceiling);
  }
  return ceilings;
}

const ROUNDING = 1e-9;
