// How busy a polling program says it is: to the kernel it always looks like a hundred percent.

import { parseJson } from "../../../values/json.ts";
import type { CpuTimes } from "./cpu-times.ts";

/** What is asked of a DPDK program. Source: DPDK lib/eal/common/eal_common_lcore.c, lcore_handle_usage (since 23.03). */
export const USAGE_COMMAND = "/eal/lcore/usage";

/**
 * Returns the cycles by lcore of an answer to USAGE_COMMAND; none for a program that doesn't count its busy cycles
 * (rte_lcore_register_usage_cb), undefined for any other text.
 */
export function parseLcoreUsage(text: string): ReadonlyMap<number, CpuTimes> | undefined {
  const said = parseJson(text);
  if (typeof said !== "object" || said === null || !(USAGE_COMMAND in said)) return undefined;
  const usage = said[USAGE_COMMAND];
  const times = new Map<number, CpuTimes>();
  if (typeof usage !== "object" || usage === null) return times;
  const [ids, total, busy] = ["lcore_ids", "total_cycles", "busy_cycles"].map((key) => {
    const list: unknown = Reflect.get(usage, key);
    return Array.isArray(list) && list.every((n) => typeof n === "number") ? (list as number[]) : [];
  });
  for (const [i, lcore] of (ids ?? []).entries()) {
    const [all, worked] = [total?.[i], busy?.[i]];
    if (all !== undefined && worked !== undefined) times.set(lcore, { busy: worked, idle: all - worked });
  }
  return times;
}
