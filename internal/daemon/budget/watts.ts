// How many watts the host may draw now, and who says so: an operator before the file and its windows, and never more than the fleet grants.

import type { BudgetConfig } from "../../config/budget.ts";
import { nextEdge, spanAt } from "../../rules/span.ts";

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
  due(config: BudgetConfig, now: number): DueWatts {
    const written = writtenAt(config, now);
    const own: BudgetOrigin = this.#said.has("operator") ? "operator" : "file";
    const said = (this.#said.get(own) ?? written) || undefined;
    const granted = this.#said.get("fleet");
    return granted === undefined || (said !== undefined && said <= granted)
      ? { watts: said, origin: own }
      : { watts: granted, origin: "fleet" };
  }
}

const writtenAt = ({ watts, timeZone, windows }: BudgetConfig, now: number): number | undefined =>
  windows.length === 0 ? watts : (spanAt(timeZone, windows, now)?.watts ?? watts);

/** A number of watts from a second on; undefined for no budget. */
export interface WattsFrom {
  readonly atS: number;
  readonly watts: number | undefined;
}

/** Returns what a configuration's windows say from `from`, ms since 1970, for so many seconds: the first at second 0, then each change. */
export function wattsOver(config: BudgetConfig, from: number, seconds: number): readonly WattsFrom[] {
  const found: WattsFrom[] = [];
  const end = from + seconds * 1000;
  for (let at: number | undefined = from; at !== undefined && at < end;) {
    const watts = writtenAt(config, at);
    if (found.length === 0 || watts !== found.at(-1)?.watts) found.push({ atS: (at - from) / 1000, watts });
    at = nextEdge(config.timeZone, config.windows, at);
  }
  return found;
}
