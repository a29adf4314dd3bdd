// What steps of the contract are made of: paths, writes, reads, and the steps that several drivers share.

import type { Case, MachineName, Step } from "../contract.ts";

export const put = (path: string, text: string | number, errno?: string): Step => ({
  write: { path, text: String(text), ...(errno !== undefined && { errno }) },
});
export const is = (path: string, text: string | number): Step => ({ read: { path, is: String(text) } });
export const fails = (path: string, errno: string): Step => ({ read: { path, errno } });
export const asked = (cpu: number, min: number, max: number): Step => ({ hw: { cpu, min, max } });
/** Paths of policy `id`. */
const policy = (id: number) => {
  const at = (file: string) => `cpufreq/policy${id}/${file}`;
  return {
    governor: at("scaling_governor"),
    driver: at("scaling_driver"),
    min: at("scaling_min_freq"),
    max: at("scaling_max_freq"),
    top: at("cpuinfo_max_freq"),
    speed: at("scaling_setspeed"),
    cur: at("scaling_cur_freq"),
    epp: at("energy_performance_preference"),
    words: at("energy_performance_available_preferences"),
    boost: at("boost"),
    base: at("base_frequency"),
    affected: at("affected_cpus"),
  };
};
export const [P0, P1] = [policy(0), policy(1)];
export const BOOST = "cpufreq/boost";
export const NO_TURBO = "intel_pstate/no_turbo";
export const MAX_PCT = "intel_pstate/max_perf_pct";
export const MIN_PCT = "intel_pstate/min_perf_pct";
export const ALL_WORDS = "default performance balance_performance balance_power power";

export function cases(machine: MachineName, all: Readonly<Record<string, readonly Step[]>>): Case[] {
  return Object.entries(all).map(([name, steps]) => ({ name, machine, steps }));
}

/** Numbers that the kernel's limits take and refuse; `top` is the highest frequency of policy 0. */

/** Numbers that the kernel's limits take and refuse; `top` is the highest frequency of policy 0. */
export const texts = (top: number): readonly Step[] => [
  put(P0.max, "fast", "EINVAL"),
  put(P0.max, "-1", "EINVAL"),
  put(P0.max, "2000000 kHz", "EINVAL"),
  put(P0.max, "3000000000", "EINVAL"),
  put(P0.max, 2_000_000),
  is(P0.max, 2_000_000),
  put(P0.max, "0x16e360"),
  is(P0.max, 1_500_000 - (top === 2_600_000 ? 100_000 : 0)),
  put(P0.max, 2_147_483_647),
  is(P0.max, top),
];

/** A policy of an offline CPU, for policy 1 with highest frequency `top`. */
export const hotplug = (governor: string, top: number): readonly Step[] => [
  put(P1.governor, governor),
  put(P1.max, 2_000_000),
  is(P1.max, 2_000_000),
  put("cpu1/online", "perhaps", "EINVAL"),
  put("cpu1/online", 0),
  put("cpu1/online", 0),
  is("cpu1/online", 0),
  is("online", 0),
  is("offline", 1),
  fails("cpu1/topology/core_id", "ENOENT"),
  fails(P1.governor, "EBUSY"),
  fails(P1.max, "EBUSY"),
  fails(P1.driver, "EBUSY"),
  fails(P1.affected, "EBUSY"),
  fails("cpu1/cpufreq/scaling_max_freq", "EBUSY"),
  put(P1.max, top, "EBUSY"),
  put(P1.governor, governor, "EBUSY"),
  is(P0.affected, 0),
  put("cpu1/online", 1),
  is("online", "0-1"),
  is("offline", ""),
  is("cpu1/topology/core_id", 1),
  is(P1.governor, governor),
  is(P1.max, 2_000_000),
  is(P1.affected, 1),
  put(P1.max, top),
  is(P1.max, top),
];

/** Limits of a driver without a table; `top` as above. */
export const limits = (top: number): readonly Step[] => [
  put(P0.max, 1_234_567),
  is(P0.max, 1_234_567),
  put(P0.min, 2_000_000),
  is(P0.min, 1_234_567),
  is(P0.max, 1_234_567),
  put(P0.max, 9_900_000),
  is(P0.max, top),
  is(P0.min, 2_000_000),
  put(P0.min, 1),
  put(P0.max, 1),
  is(P0.max, top === 3_700_000 || top === 2_400_000 ? 800_000 : 520_000),
  put(P0.max, top),
  is(P0.max, top),
];

/** A driver that decides by itself: two governors, no speed to set. */
export const ACTIVE: readonly Step[] = [
  is("cpufreq/policy0/scaling_available_governors", "performance powersave"),
  put(P0.governor, "userspace", "EINVAL"),
  put(P0.speed, 1_500_000, "EINVAL"),
  is(P0.speed, "<unsupported>"),
];

/** The userspace governor on a driver that runs at the very frequency asked for, between 520000 and `top`. */
export const setspeed = (top: number): readonly Step[] => [
  put(P0.governor, "schedutil"),
  is(P0.speed, "<unsupported>"),
  put(P0.speed, 1_500_000, "EINVAL"),
  put(P0.governor, "userspace"),
  put(P0.speed, "fast", "EINVAL"),
  put(P0.speed, 1_555_000),
  is(P0.speed, 1_555_000),
  put(P0.speed, 1),
  is(P0.speed, 520_000),
  put(P0.speed, 9_900_000),
  is(P0.speed, top),
  put(P0.speed, 2_000_000),
  put(P0.max, 1_000_000),
  is(P0.speed, 1_000_000),
  put(P0.max, top),
  is(P0.speed, 2_000_000),
  put(P0.governor, "schedutil"),
];

/** no_turbo on a machine of 3.7 GHz with 2.4 GHz base. */
export const TURBO: readonly Step[] = [
  put(NO_TURBO, 1),
  is(P0.top, 2_400_000),
  is(P0.max, 2_400_000),
  is(P1.max, 2_400_000),
  put(NO_TURBO, 0),
  is(P0.top, 3_700_000),
  is(P0.max, 3_700_000),
  put(P0.max, 3_000_000),
  is(P0.max, 3_000_000),
  put(NO_TURBO, 1),
  is(P0.max, 2_400_000),
  put(NO_TURBO, 0),
  is(P0.max, 3_000_000),
  put(NO_TURBO, 7),
  is(NO_TURBO, 1),
  put(P0.max, 2_400_000),
  put(NO_TURBO, 0),
  is(P0.top, 3_700_000),
  is(P0.max, 2_400_000),
  is(P1.max, 3_700_000),
  put(P0.max, 3_700_000),
  is(P0.max, 3_700_000),
  put(NO_TURBO, "never", "EINVAL"),
];

/** intel_pstate's per cent limits: what is written and what is kept. */
export const PERCENT: readonly Step[] = [
  put(MAX_PCT, "half", "EINVAL"),
  put(MIN_PCT, 40),
  put(MAX_PCT, 10),
  is(MAX_PCT, 40),
  put(MAX_PCT, 500),
  is(MAX_PCT, 100),
  put(MIN_PCT, 80),
  put(NO_TURBO, 1),
  is(MIN_PCT, 64),
  put(NO_TURBO, 0),
  is(MIN_PCT, 64),
  put(MIN_PCT, 0),
  is(MIN_PCT, 21),
];
