// How many watts the host may draw now, and who says so: an operator before the file and its windows, and never more than the fleet grants.

import type { BudgetConfig } from "../../config/budget.ts";
import { spanAt } from "../../rules/span.ts";

/** Who can say it. */
export type BudgetOrigin = "file" | "operator" | "fleet";

/** What holds now. */
export interface DueWatts {
  /** Undefined for no budget. */
  readonly watts: number | undefined;
  readonly origin: BudgetOrigin;
}

export class BudgetWatts {
  readonly #said = new Map<BudgetOrigin, number>();

  /** Takes what somebody says, W, or with undefined that he says nothing any more; 0 means no budget. What is said for "file" stands in the place of the file's. */
  say(watts: number | undefined, origin: BudgetOrigin): void {
    if (watts === undefined) this.#said.delete(origin);
    else this.#said.set(origin, watts);
  }

  /** Returns the same words and one more, which this does not take. */
  with(watts: number | undefined, origin: BudgetOrigin): BudgetWatts {
    const other = new BudgetWatts();
    for (const [who, what] of this.#said) other.say(what, who);
    other.say(watts, origin);
    return other;
  }

  /** Returns what holds. @param now ms since 1970 */
  due({ watts, timeZone, windows }: BudgetConfig, now: number): DueWatts {
    const written = windows.length === 0 ? watts : (spanAt(timeZone, windows, now)?.watts ?? watts);
    const own: BudgetOrigin = this.#said.has("operator") ? "operator" : "file";
    const said = (this.#said.get(own) ?? written) || undefined;
    const granted = this.#said.get("fleet");
    return granted === undefined || (said !== undefined && said <= granted)
      ? { watts: said, origin: own }
      : { watts: granted, origin: "fleet" };
  }
}
