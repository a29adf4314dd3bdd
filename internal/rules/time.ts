// TIME: the clock on the wall decides. Source: DPDK examples/vm_power_manager/channel_monitor.c, apply_time_profile.

import type { TimePolicy } from "../values/policy.ts";
import type { Rule } from "./rule.ts";
import { nextEdge, spanAt } from "./span.ts";
import { followTraffic } from "./traffic.ts";

export const time: Rule<TimePolicy> = {
  watches: (rule, now) =>
    spanAt(rule.timeZone, rule.windows, now)?.level === "traffic" ? "traffic" : undefined,

  nextLook: (rule, now) => nextEdge(rule.timeZone, rule.windows, now),

  evaluate(rule, { now, pps }, before) {
    const window = spanAt(rule.timeZone, rule.windows, now);
    const level = window === undefined ? rule.otherwise : window.level;
    if (level === "traffic") return { level: followTraffic(rule.traffic, pps, before.level), quiet: 0 };
    return { level: level ?? before.level, quiet: 0 };
  },
};
