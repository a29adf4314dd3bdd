// Which frequencies a claim can reach: those of the hardware, less what its operator and its driver keep out.

import { type FrequencyTable, within } from "../../values/frequency.ts";
import { khz } from "../../values/units.ts";
import type { Hardware } from "../driver/driver.ts";
import { driverOf } from "../driver/index.ts";
import type { KhzRange, OwnLimits } from "./limits.ts";

export interface Reach {
  /** The hardware's frequencies. */
  readonly table: FrequencyTable;
  /** What every claim stays within: the operator's own limits, and those that the driver has for all CPUs. */
  readonly range: KhzRange;
  /** The part of `table` within `range`. */
  readonly allowed: FrequencyTable;
}

/**
 * Returns what can be set of what was found. As the kernel has it, an operator's minimum goes before the driver's maximum.
 * Source: drivers/cpufreq/intel_pstate.c, intel_pstate_update_perf_limits.
 * @param own undefined where the operator's limits are not known
 */
export function reachOf(found: Hardware, own: OwnLimits | undefined): Reach {
  const { bounds, max: greatest } = found;
  const table = driverOf(found.driver).table(found);
  const least = own === undefined || own.noMin ? found.min : own.min;
  // Boost may go past what the kernel gives for the greatest.
  const most = own === undefined || own.noMax ? Math.max(table.steps[0] ?? greatest, greatest) : own.max;
  const max = khz(Math.max(least, bounds.max < greatest ? Math.min(most, bounds.max) : most));
  const range = { min: khz(Math.min(Math.max(least, bounds.min), max)), max };
  return { table, range, allowed: within(table, range, found.listed.length === 0) };
}

/** Returns the limits that `range` comes from; an end that is none is absent. */
export function limitsOf(
  { min, max, bounds }: Hardware,
  own: OwnLimits | undefined,
): Readonly<Record<"own" | "driver", Partial<KhzRange>>> {
  return {
    own: { ...(own?.noMin === false && { min: own.min }), ...(own?.noMax === false && { max: own.max }) },
    driver: { ...(bounds.min > min && { min: bounds.min }), ...(bounds.max < max && { max: bounds.max }) },
  };
}
