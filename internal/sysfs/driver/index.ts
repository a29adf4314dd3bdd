// The table of drivers: without a line here a driver file would be dead.

import type { AttrDir } from "../attr.ts";
import { limits, type Pin, setspeed } from "../cpufreq/pin.ts";
import { acpiCpufreq } from "./acpi-cpufreq.ts";
import { amdPstateEpp } from "./amd-pstate-epp.ts";
import { amdPstate } from "./amd-pstate.ts";
import { cppcCpufreq } from "./cppc-cpufreq.ts";
import type { CpufreqDriver, Hardware } from "./driver.ts";
import { generic } from "./generic.ts";
import { intelCpufreq } from "./intel-cpufreq.ts";
import { intelPstate } from "./intel-pstate.ts";

/** Every driver by name; the last, which has none, serves the rest. */
export const DRIVERS: readonly CpufreqDriver[] = [
  acpiCpufreq,
  intelPstate,
  intelCpufreq,
  amdPstateEpp,
  amdPstate,
  cppcCpufreq,
  generic,
];

/** Returns the driver for what scaling_driver says. */
export const driverOf = (name: string): CpufreqDriver =>
  DRIVERS.find((driver) => driver.names.includes(name)) ?? generic;

/** Returns whether the domain's driver would hold a frequency by governor userspace, and the kernel offers none. */
export const lacksUserspace = (found: Hardware): boolean =>
  driverOf(found.driver).pin === setspeed && !found.governors.includes("userspace");

/** Returns how to hold a frequency of this domain: the driver's own way, or min = max where the kernel offers no governor userspace. */
export const pinOf = (found: Hardware, dir: AttrDir): Pin =>
  lacksUserspace(found) ? limits(dir) : driverOf(found.driver).pin(dir);
