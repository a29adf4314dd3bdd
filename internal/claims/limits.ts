// What "base" and 2,000,000 kHz mean on one clock: the same words bound machines whose tables differ.

import { type FrequencyTable, highest, lowest, roundUp } from "../values/frequency.ts";
import type { Khz } from "../values/units.ts";
import type { Limits } from "./arbitrate.ts";

/** A floor or a ceiling as written: kHz, or the domain's own lowest, nominal or highest frequency. */
export type Bound = Khz | "min" | "base" | "max";

/**
 * Returns `floor` and `ceiling` as entries of `table`: a floor rounds up, a ceiling down, so that neither is ever crossed.
 * @param turbo false keeps the ceiling at the highest frequency that is no turbo
 */
export function limitsIn(table: FrequencyTable, floor: Bound, ceiling: Bound, turbo = true): Limits {
  const most =
    ceiling === "max"
      ? undefined
      : typeof ceiling === "number"
        ? roundDown(table, ceiling)
        : named(table, ceiling);
  const base = highest(table, false);
  return {
    floor:
      floor === "min" ? undefined : typeof floor === "number" ? roundUp(table, floor) : named(table, floor),
    ceiling: turbo || table.nominal === 0 || (most ?? base + 1) <= base ? most : base,
  };
}

function named(table: FrequencyTable, bound: "min" | "base" | "max"): Khz {
  return bound === "min" ? lowest(table) : highest(table, bound === "max");
}

/** Returns the highest entry at or below `wanted`; the lowest one when there is none. */
function roundDown(table: FrequencyTable, wanted: Khz): Khz {
  return table.steps.find((step) => step <= wanted) ?? lowest(table);
}
