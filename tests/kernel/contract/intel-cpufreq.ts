// intel_cpufreq, which is intel_pstate in passive mode: per cent limits show as limits, and energy hints are always free.

import type { Case, Step } from "../contract.ts";
import {
  MAX_PCT,
  MIN_PCT,
  NO_TURBO,
  P0,
  PERCENT,
  TURBO,
  asked,
  cases,
  fails,
  hotplug,
  is,
  limits,
  put,
} from "./steps.ts";

/** intel_cpufreq: the kernel's governors, a speed in steps of 100 MHz, per cent limits that show as limits. */
const INTEL_PASSIVE: Readonly<Record<string, readonly Step[]>> = {
  "limits are remembered and clipped on reading": limits(3_700_000),
  "no_turbo moves the maximum and a limit comes back": TURBO,
  "per cent limits keep their range": PERCENT,
  "per cent limits show as limits": [
    put(MAX_PCT, 50),
    is(P0.max, 1_850_000),
    put(MAX_PCT, 100),
    is(P0.max, 3_700_000),
    put(MIN_PCT, 40),
    is(P0.min, 1_480_000),
    put(MIN_PCT, 21),
    is(P0.min, 800_000),
  ],
  "setspeed rounds up to 100 MHz and stays below the limit": [
    put(P0.governor, "schedutil"),
    put(P0.speed, 1_500_000, "EINVAL"),
    is(P0.speed, "<unsupported>"),
    put(P0.governor, "userspace"),
    put(P0.speed, 1_550_000),
    is(P0.speed, 1_600_000),
    put(P0.speed, 1),
    is(P0.speed, 800_000),
    put(P0.speed, 9_900_000),
    is(P0.speed, 3_700_000),
    put(P0.speed, 3_000_000),
    put(NO_TURBO, 1),
    is(P0.speed, 2_400_000),
    put(NO_TURBO, 0),
    is(P0.speed, 3_000_000),
    put(P0.max, 1_850_000),
    is(P0.speed, 1_800_000),
    put(P0.max, 3_700_000),
    is(P0.speed, 3_000_000),
    put(P0.governor, "schedutil"),
  ],
  "an offline CPU's policy is busy": hotplug("schedutil", 3_700_000),
};

/** With and without HWP. */
export const INTEL_CPUFREQ_CASES: readonly Case[] = [
  ...cases("intel_cpufreq-hwp", {
    ...INTEL_PASSIVE,
    "an energy hint may be written under every governor": [
      put(P0.governor, "performance"),
      is(P0.epp, "balance_performance"),
      put(P0.epp, "power"),
      is(P0.epp, "power"),
      put(P0.epp, 77),
      is(P0.epp, 77),
      put(P0.epp, "fast", "EINVAL"),
      put(P0.governor, "schedutil"),
      put(P0.epp, "default"),
      is(P0.epp, "balance_performance"),
      is(P0.base, 2_400_000),
    ],
    "userspace asks the hardware for the speed as a minimum": [
      put(P0.governor, "userspace"),
      put(P0.speed, 1),
      put(P0.speed, 1_600_000),
      asked(0, 16, 37),
      put(P0.max, 1_200_000),
      asked(0, 12, 12),
      put(P0.max, 3_700_000),
      put(P0.governor, "schedutil"),
    ],
  }),
  ...cases("intel_cpufreq-no-hwp", {
    "there is no energy hint and no base frequency": [fails(P0.epp, "ENOENT"), fails(P0.base, "ENOENT")],
    ...INTEL_PASSIVE,
  }),
];
