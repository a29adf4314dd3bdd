// Who pays for the budget now: VMs, and the host's own CPUs, whose clock is kept below what they wish.

import type { BudgetClock } from "../../budget/clock.ts";
import type { Vm } from "../../channels/vm.ts";
import type { Khz } from "../../values/units.ts";

/** Payers that are named; more are counted. */
const MOST_NAMED = 32;
/** What CPUs without a VM are called; no VM's name has a slash. */
export const HOST = "/host";

/** Returns who pays, by name, and how many more. @param vmsOn who runs on a clock */
export function payersOf(
  clocks: readonly BudgetClock[],
  ceilings: ReadonlyMap<number, Khz>,
  vmsOn: (id: number) => ReadonlySet<Vm>,
): { readonly names: readonly string[]; readonly more: number } {
  const names = new Set<string>();
  for (const { id, wish } of clocks) {
    if (wish <= (ceilings.get(id) ?? wish)) continue;
    const vms = vmsOn(id);
    if (vms.size === 0) names.add(HOST);
    for (const { vm } of vms) names.add(vm);
  }
  const sorted = [...names].sort();
  return { names: sorted.slice(0, MOST_NAMED), more: Math.max(0, sorted.length - MOST_NAMED) };
}
