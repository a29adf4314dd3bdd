// TRAFFIC: the clock follows what a VM receives. Source: DPDK examples/vm_power_manager/channel_monitor.c, apply_traffic_profile.

import type { PolicyLevel, PolicyRule, TrafficPolicy, TrafficRule } from "../values/policy.ts";
import type { Rule } from "./rule.ts";

export const traffic: Rule<TrafficPolicy> = {
  watches: () => "traffic",
  nextLook: () => undefined,
  evaluate: (rule, { pps }, before) => ({ level: followTraffic(rule.traffic, pps, before.level), quiet: 0 }),
};

/**
 * Returns the level due at `pps` packets per second, `held` when nothing is known. A level is reached at its threshold and left
 * only below `fallPercent` of it, so that a rate at the edge does not flap.
 */
export function followTraffic(
  rule: TrafficRule,
  pps: number | undefined,
  held: PolicyLevel | undefined,
): PolicyLevel | undefined {
  if (pps === undefined) return held;
  const keeps = (threshold: number) => pps >= (threshold * rule.fallPercent) / 100;
  if (pps >= rule.maxPps || (held === "max" && keeps(rule.maxPps))) return "max";
  const above = held === "max" || held === "medium";
  return pps >= rule.mediumPps || (above && keeps(rule.mediumPps)) ? "medium" : "min";
}

/** Returns what a rule has to know of traffic; undefined when it never asks. */
export function trafficRule(rule: PolicyRule): TrafficRule | undefined {
  if (rule.type === "traffic") return rule.traffic;
  return rule.type === "time" && rule.windows.some(({ level }) => level === "traffic")
    ? rule.traffic
    : undefined;
}
