// One clock as the budget sees it: what it may run at, who is on it, and what its speed costs beside others.

import type { Khz } from "../values/units.ts";
import type { Priority } from "../values/vm-settings.ts";

/** One clock. */
export interface BudgetClock {
  /** N of the kernel's policyN. */
  readonly id: number;
  /** The highest of those that run on it or on an SMT sibling of it. */
  readonly priority: Priority;
  /** What it can be set to, descending, at least one. */
  readonly steps: readonly Khz[];
  /** No ceiling goes below: a VM's floor, the site's, the machine's own. */
  readonly floor: Khz;
  /** What it would run at without a budget. */
  readonly wish: Khz;
  /** How many CPUs it has. */
  readonly cpus: number;
  /** How many of them were at work lately, 0 to `cpus`. */
  readonly busy: number;
}

/** How much of a clock's range its voltage spans: V at the lowest frequency over V at the highest, as of server parts at large. */
const LEAST_VOLTAGE = 0.7;

/**
 * Returns what a busy CPU draws at `khz` beyond idle, as a share of what it draws at the highest step: V(f)^2 f, with V a
 * straight line from the lowest step to the highest. The loop needs its shape only; the watts of a share are measured.
 */
export function costOf(steps: readonly Khz[], khz: number): number {
  const most = steps[0] ?? 0;
  const least = steps.at(-1) ?? most;
  if (most <= 0) return 0;
  const along = most === least ? 1 : (khz - least) / (most - least);
  const volts = LEAST_VOLTAGE + (1 - LEAST_VOLTAGE) * Math.max(0, along);
  return (volts * volts * khz) / most;
}

/** What the steps of a table cost, worked out once for each. */
const COSTS = new WeakMap<readonly Khz[], readonly number[]>();

/** Returns what each of `steps` costs, in their order. */
export function costsOf(steps: readonly Khz[]): readonly number[] {
  let costs = COSTS.get(steps);
  if (costs === undefined) COSTS.set(steps, (costs = steps.map((khz) => costOf(steps, khz))));
  return costs;
}
