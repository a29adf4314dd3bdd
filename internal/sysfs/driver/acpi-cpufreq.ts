// acpi-cpufreq: the classic driver, whose turbo may hide as an ordinary frequency.

import type { FrequencyTable } from "../../values/frequency.ts";
import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver, Hardware } from "./driver.ts";
import { BOOST, GENERIC, listed } from "./parts.ts";

/** A table of P-states; setspeed rounds up to the next. Source: DPDK drivers/power/acpi/acpi_cpufreq.c, power_get_available_freqs: turbo_enable = 1. */
export const acpiCpufreq: CpufreqDriver = {
  names: ["acpi-cpufreq"],
  table,
  pin: setspeed,
  turbo: BOOST,
  governors: GENERIC,
  turboAtStart: true,
};

/**
 * Returns whether the highest entry of the table stands for P0 and all that the processor does above it by itself: turbo may be used,
 * and no entry says what it reaches, as on EPYC. Source: drivers/cpufreq/acpi-cpufreq.c, boost_set_msr: boost is a bit beside the P-states.
 */
export const isAboveTable = (found: Hardware): boolean =>
  acpiCpufreq.names.includes(found.driver) &&
  found.turboAllowed &&
  !hidesTurbo(found) &&
  listed(found).nominal === 0;

/** Returns whether the first entry stands for turbo: it is exactly 1 MHz above the second. Source: DPDK drivers/power/acpi/acpi_cpufreq.c, power_get_available_freqs. */
function hidesTurbo({ listed: [first, second] }: Hardware): boolean {
  return first !== undefined && second !== undefined && first === second + 1000;
}

function table(found: Hardware): FrequencyTable {
  const [first] = found.listed;
  if (first === undefined || !hidesTurbo(found)) return listed(found);
  const plain = listed({ ...found, listed: found.listed.slice(1), boosts: [] });
  return found.turboAllowed ? { steps: [first, ...plain.steps], nominal: 1 } : plain;
}
