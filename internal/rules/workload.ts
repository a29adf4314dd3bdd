// WORKLOAD: a level said once. Source: DPDK examples/vm_power_manager/channel_monitor.c, apply_workload_profile.

import type { PolicyLevel, WorkloadPolicy } from "../values/policy.ts";
import type { Workload } from "../values/request.ts";
import type { Rule } from "./rule.ts";

const LEVELS: Readonly<Record<Workload, PolicyLevel>> = { high: "max", medium: "medium", low: "min" };

export const workload: Rule<WorkloadPolicy> = {
  watches: () => undefined,
  nextLook: () => undefined,
  evaluate: (rule) => ({ level: LEVELS[rule.workload], quiet: 0 }),
};
