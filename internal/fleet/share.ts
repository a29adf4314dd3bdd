// How a group's watts are divided among its hosts: floors first, then by priority over the whole group, then what is left.

import { PRIORITIES, type Priority } from "../values/vm-settings.ts";

/** What a host says that it needs, W. */
export interface Want {
  /** What is its own whatever happens: it falls back to this when it hears nothing. */
  readonly fallback: number;
  /** What its clocks draw at their VMs' floors. */
  readonly floor: number;
  /** What its VMs of each priority would draw above their floors. */
  readonly demand: { readonly [K in Priority]: number };
}

/**
 * Returns each host's share of `budget` in whole watts, in the order of `wants`; never less than its fallback, and together never more
 * than the budget unless the fallbacks are. Where a step needs more than is left, each host gets in proportion to what it needs of it; what
 * is left when every demand is met is divided in proportion to demand, so that a host that wakes up need not wait.
 * @param budget W
 */
export function share(budget: number, wants: readonly Want[]): number[] {
  const given = wants.map(({ fallback }) => fallback);
  let left = Math.max(0, budget - sum(given));
  const give = (needs: readonly number[]) => {
    const all = sum(needs);
    if (all <= 0 || left <= 0) return;
    const part = Math.min(1, left / all);
    for (const [at, need] of needs.entries()) given[at] = (given[at] as number) + need * part;
    left = Math.max(0, left - all);
  };
  const upTo = wants.map(({ floor }) => floor);
  const missing = () => upTo.map((watts, at) => Math.max(0, watts - (given[at] as number)));
  give(missing());
  for (const priority of PRIORITIES) {
    for (const [at, { demand }] of wants.entries()) upTo[at] = (upTo[at] as number) + demand[priority];
    give(missing());
  }
  const rest = left;
  const weights = sum(upTo) > 0 ? upTo : upTo.map(() => 1);
  const all = sum(weights);
  // A fallback is whole, and so is what is given of the budget above it.
  return given.map((watts, at) => Math.floor(watts + (rest * (weights[at] as number)) / all + 1e-9));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
