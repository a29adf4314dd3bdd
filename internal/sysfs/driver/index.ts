// The table of drivers: without a line here a driver file would be dead.

import type { AttrDir } from "../attr.ts";
import type { Hardware } from "../hardware.ts";
import { limits, type Pin, setspeed } from "../cpufreq/pin.ts";
import { acpiCpufreq } from "./acpi-cpufreq.ts";
import { amdPstateEpp } from "./amd-pstate-epp.ts";
import { cppcCpufreq } from "./cppc-cpufreq.ts";
import type { CpufreqDriver } from "./driver.ts";
import { generic } from "./generic.ts";
import { intelPstate } from "./intel-pstate.ts";
import { userspacePassive } from "./userspace-passive.ts";

/** Every driver by name; the last, which has none, serves the rest. */
export const DRIVERS: readonly CpufreqDriver[] = [
  acpiCpufreq,
  intelPstate,
  userspacePassive,
  amdPstateEpp,
  cppcCpufreq,
  generic,
];

/** Returns the driver for what scaling_driver says. */
export const driverOf = (name: string): CpufreqDriver =>
  DRIVERS.find((driver) => driver.names.includes(name)) ?? generic;

/** Returns how to hold a frequency of this policy: the driver's own way, or min = max where the kernel offers no governor userspace. */
export function pinOf(driver: CpufreqDriver, found: Hardware, dir: AttrDir): Pin {
  return driver.pin === setspeed && !found.governors.includes("userspace") ? limits(dir) : driver.pin(dir);
}
