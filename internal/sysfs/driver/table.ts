// The two kinds of frequency table: of drivers that list their frequencies, and of drivers that have a range.

import type { FrequencyTable } from "../../values/frequency.ts";
import { khz } from "../../values/units.ts";
import type { Hardware } from "./driver.ts";

/** The bus clock that a P-state counts, kHz. Source: DPDK drivers/power/intel_pstate/intel_pstate_cpufreq.c, BUS_FREQ. */
const STEP = 100_000;

/** Returns the table that the driver itself lists, boost entries first where boost is on; a range when it lists none. */
export function listed(found: Hardware): FrequencyTable {
  if (found.listed.length === 0) return ranged(found);
  const top = found.listed[0] ?? found.max;
  const boosts = found.turboAllowed ? found.boosts.filter((boost) => boost > top) : [];
  return { steps: [...boosts, ...found.listed], nominal: boosts.length };
}

/**
 * Returns steps of 100 MHz from the base frequency down to the least; the greatest comes first as turbo when it is above base and
 * turbo is on. Source: DPDK drivers/power/intel_pstate/intel_pstate_cpufreq.c, power_get_available_freqs.
 */
export function ranged(found: Hardware): FrequencyTable {
  const base = Math.max(found.min, Math.min(found.base ?? found.max, found.max));
  const turbo = found.turboAllowed && found.max > base;
  const steps = turbo ? [found.max] : [];
  for (let step: number = base; step > found.min; step -= STEP) steps.push(khz(step));
  steps.push(found.min);
  return { steps, nominal: turbo ? 1 : 0 };
}
