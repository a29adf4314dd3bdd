// The power budget as an operator sees it and sets it.

import type { BudgetGlance } from "../../api/budget.ts";
import type { Handlers, Rehearsals } from "../../api/table.ts";
import { ok } from "../../values/result.ts";
import type { DueWatts } from "../budget/watts.ts";
import type { Host } from "../host.ts";
import type { HostBudget } from "../budget/host-budget.ts";
import { changed, rehearse } from "../rehearsal/rehearsal.ts";

export function budgetAsks(budget: HostBudget) {
  return {
    budget: () => ok(budget.state()),

    setBudget({ watts }, _gone?: AbortSignal, user?: string) {
      budget.setWatts(watts, "operator", user);
      return ok(budget.state());
    },

    releaseBudget(_asked?: object, _gone?: AbortSignal, user?: string) {
      budget.setWatts(undefined, "operator", user);
      return ok(budget.state());
    },
  } satisfies Pick<Handlers, "budget" | "setBudget" | "releaseBudget">;
}

/** Returns who tells what a word on the budget would change. */
export function budgetRehearsals(host: Host, budget: HostBudget) {
  const tell = (watts: number | undefined) =>
    rehearse(host, ({ warnings }) => {
      const [before, after] = [budget.due(), budget.dueIf(watts)];
      if (after.watts !== undefined && after.watts !== before.watts)
        warnings.push("Ceilings follow within seconds, by what the meter shows then.");
      const { floorWatts } = budget.state();
      if (after.watts !== undefined && floorWatts > after.watts)
        warnings.push(`The floors take about ${Math.round(floorWatts)} of ${after.watts} W; they are held.`);
      return ok(changed("power budget", said(before), said(after)));
    });
  return {
    setBudget: ({ watts }) => tell(watts),
    releaseBudget: () => tell(undefined),
  } satisfies Pick<Rehearsals, "setBudget" | "releaseBudget">;
}

const said = ({ watts, origin }: DueWatts): string =>
  watts === undefined ? `none (${origin})` : `${watts} W (${origin})`;

/** Returns the budget in a few numbers; undefined where there is none. */
export function budgetGlance(budget: HostBudget): BudgetGlance | undefined {
  const glance = budget.glance();
  return glance.budgetWatts === undefined ? undefined : glance;
}
