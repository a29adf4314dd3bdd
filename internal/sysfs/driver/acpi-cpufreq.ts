// acpi-cpufreq: the classic driver, whose turbo may hide as an ordinary frequency.

import type { FrequencyTable } from "../../values/frequency.ts";
import { setspeed } from "../cpufreq/pin.ts";
import type { CpufreqDriver, Hardware } from "./driver.ts";
import { BOOST, GENERIC, listed } from "./parts.ts";

/** A table of P-states; setspeed rounds up to the next. */
export const acpiCpufreq: CpufreqDriver = {
  names: ["acpi-cpufreq"],
  table,
  pin: setspeed,
  turbo: BOOST,
  governors: GENERIC,
};

/** A first entry exactly 1 MHz above the second stands for turbo. Source: DPDK drivers/power/acpi/acpi_cpufreq.c, power_get_available_freqs. */
function table(found: Hardware): FrequencyTable {
  const [first, second] = found.listed;
  if (first === undefined || second === undefined || first !== second + 1000) return listed(found);
  const plain = listed({ ...found, listed: found.listed.slice(1), boosts: [] });
  return found.turboAllowed ? { steps: [first, ...plain.steps], nominal: 1 } : plain;
}
