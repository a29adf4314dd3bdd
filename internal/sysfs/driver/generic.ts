// Any other driver: what the kernel's core promises of all of them.

import { limits } from "../cpufreq/pin.ts";
import type { CpufreqDriver } from "./driver.ts";
import { BOOST, GENERIC, listed, NO_TURBO } from "./parts.ts";

/** Holds min = max, which cpufreq's core offers for every driver and governor. Source: Documentation/admin-guide/pm/cpufreq.rst. */
export const generic: CpufreqDriver = {
  names: [],
  table: listed,
  pin: limits,
  turbo: [NO_TURBO, ...BOOST],
  governors: GENERIC,
  turboAtStart: false,
};
