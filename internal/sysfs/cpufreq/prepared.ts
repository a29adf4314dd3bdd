// A table's entries made ready, so that a change of frequency allocates nothing.

import type { FrequencyTable } from "../../values/frequency.ts";
import { ok, type Result } from "../../values/result.ts";
import type { Khz } from "../../values/units.ts";
import { attrBytes } from "../attr.ts";

/** An entry, what is written for it, and what is answered then. */
export interface Prepared {
  readonly khz: Khz;
  readonly bytes: Buffer;
  readonly done: Result<Khz, never>;
}

/** Returns the entries of `table`, descending. */
export const prepare = ({ steps }: FrequencyTable): Prepared[] =>
  steps.map((step) => ({ khz: step, bytes: attrBytes(`${step}`), done: ok(step) }));

/** As the kernel: the lowest entry at or above `target`, else the highest there is. */
export function entryFor(entries: readonly Prepared[], target: Khz): Prepared {
  for (let i = entries.length - 1; i > 0; i--) {
    const entry = entries[i] as Prepared;
    if (entry.khz >= target) return entry;
  }
  return entries[0] as Prepared;
}
