// What a domain's clock can do, in words: its range, where turbo begins, and what a driver says that can't be so.

import { isAboveTable } from "../../sysfs/driver/acpi-cpufreq.ts";
import type { Hardware } from "../../sysfs/driver/driver.ts";
import { driverOf } from "../../sysfs/driver/index.ts";
import type { Khz } from "../../values/units.ts";

/** kHz; the fastest processor that is sold reaches 6.2 GHz. */
const BELIEVABLE = 6_500_000;

/** Returns whether a clock can be so fast; a driver that says more has reckoned with wrong numbers of the firmware. */
export const isBelievable = (max: Khz): boolean => max <= BELIEVABLE;

/** What acpi-cpufreq's highest entry means while boost is on and no entry is a boost frequency. */
const ABOVE_TABLE = "P0 and above, by hardware";

/**
 * Returns what is to say of cpuinfo_max_freq, the middle of a sentence; undefined when it is what it seems.
 * @param hasSwitch whether the machine shows a switch of turbo
 */
export function remarkOnMax(found: Hardware, hasSwitch: boolean): string | undefined {
  if (!isBelievable(found.max)) return "out of the believable range";
  return hasSwitch && isAboveTable(found) ? ABOVE_TABLE : undefined;
}

/** Returns the range of a domain's clock, such as "800000 to 2400000 kHz, 3700000 kHz with turbo"; parameters as remarkOnMax(). */
export function clockRange(found: Hardware, hasSwitch: boolean): string {
  const { steps, nominal } = driverOf(found.driver).table(found);
  const range = `${steps.at(-1)} to ${steps[nominal]} kHz, `;
  const remark = remarkOnMax(found, hasSwitch);
  if (nominal > 0) return `${range}${turbo(steps[0], remark)}`;
  if (remark === ABOVE_TABLE) return `${range}the highest being ${remark}`;
  return `${range}${withoutTurbo(found, hasSwitch)}${remark === undefined ? "" : `; the highest is ${remark}`}`;
}

const turbo = (top: Khz | undefined, remark: string | undefined): string =>
  `${top} kHz with turbo${remark === undefined ? "" : ` (${remark})`}`;

/** Why no step is turbo: it is off, nobody knows where it begins, or there is none. */
function withoutTurbo(found: Hardware, hasSwitch: boolean): string {
  const ranged = found.listed.length === 0;
  const mayHave = ranged || found.boosts.length > 0 || isAboveTable({ ...found, turboAllowed: true });
  if (!found.turboAllowed && mayHave) return "turbo is off";
  if (ranged && hasSwitch && found.base === undefined)
    return "no base frequency, so what of it is turbo can't be told";
  return "without turbo";
}
