// What intel_pstate shows beside cpufreq's files in both of its modes: how many P-states, and per cent that bound all CPUs.

import { type Khz, khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { KhzRange } from "../cpufreq/limits.ts";

/** The bus clock that a P-state counts, kHz. Source: DPDK drivers/power/intel_pstate/intel_pstate_cpufreq.c, BUS_FREQ. */
export const STEP = 100_000;

/** Per cent of the highest turbo frequency that bound all CPUs. Source: Documentation/admin-guide/pm/intel_pstate.rst, Global Attributes. */
export const PERCENT = { max: "intel_pstate/max_perf_pct", min: "intel_pstate/min_perf_pct" } as const;

/**
 * Returns the highest frequency without turbo by how many P-states there are and how much of them is turbo; undefined where the kernel
 * tells neither, as on hybrid CPUs. turbo_pct is cut to whole per cent, so what is left is rounded up.
 * Source: drivers/cpufreq/intel_pstate.c, show_turbo_pct and show_num_pstates.
 */
export function intelBase(cpus: AttrDir, { min }: KhzRange): Khz | undefined {
  const states = cpus.peekNumber("intel_pstate/num_pstates");
  const turbo = cpus.peekNumber("intel_pstate/turbo_pct");
  if (states === undefined || turbo === undefined || turbo > 100) return undefined;
  const plain = Math.ceil((states * (100 - turbo)) / 100);
  return plain > 0 ? khz(min + (plain - 1) * STEP) : undefined;
}

/** Returns the share of the highest turbo frequency, also while turbo is off, that a file of intel_pstate says in per cent; kHz. */
function shareOf(cpus: AttrDir, end: keyof typeof PERCENT, { min, max }: KhzRange): number {
  const states = cpus.peekNumber("intel_pstate/num_pstates") ?? 1;
  const top = Math.max(max, min + (states - 1) * STEP);
  return Math.ceil((top * (cpus.peekNumber(PERCENT[end]) ?? (end === "max" ? 100 : 0))) / 100);
}

/**
 * Returns what max_perf_pct and min_perf_pct leave of a domain's range, in whole P-states. Source: drivers/cpufreq/intel_pstate.c,
 * intel_pstate_update_perf_limits.
 */
export function intelBounds(cpus: AttrDir, range: KhzRange): KhzRange {
  const { min, max } = range;
  const ceiling = shareOf(cpus, "max", range);
  const most = ceiling >= max ? max : Math.max(min, Math.floor(ceiling / STEP) * STEP);
  const least = Math.ceil(shareOf(cpus, "min", range) / STEP) * STEP;
  return { min: khz(Math.max(min, Math.min(least, most))), max: khz(most) };
}

/** Returns what the same show in a domain's own limits in passive mode. Source: drivers/cpufreq/intel_pstate.c, update_qos_request. */
export function intelShows(cpus: AttrDir, range: KhzRange): KhzRange {
  const max = Math.min(range.max, shareOf(cpus, "max", range));
  const min = Math.max(range.min, shareOf(cpus, "min", range));
  return { min: khz(Math.min(min, max)), max: khz(max) };
}
