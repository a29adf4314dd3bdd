// A policy's word as a frequency of one domain; daemon and dry run both ask here.

import { type FrequencyTable, highest, type Level, lowest, medium, roundUp } from "../values/frequency.ts";
import type { PolicyLevel } from "../values/policy.ts";
import { type Khz, khz } from "../values/units.ts";

/**
 * Returns `level` as a place in `table`; kHz are rounded up to the next entry.
 * @param turbo whether it may lie above nominal; "medium", half-way down the whole table, may not either without
 */
export function placeLevel(table: FrequencyTable, level: PolicyLevel, turbo: boolean): Level {
  const top = highest(table, turbo);
  return { khz: khz(Math.min(wanted(table, level, top), top)), turbo };
}

function wanted(table: FrequencyTable, level: PolicyLevel, top: Khz): Khz {
  switch (level) {
    case "min":
      return lowest(table);
    case "medium":
      return medium(table);
    case "max":
      return top;
    default:
      return roundUp(table, level);
  }
}
