// The table of policy types, held complete by the compiler.

import type { PolicyRule, RuleOf } from "../values/policy.ts";
import type { PolicyType } from "../values/request.ts";
import { branchRatio } from "./branch-ratio.ts";
import type { Rule } from "./rule.ts";
import { time } from "./time.ts";
import { traffic } from "./traffic.ts";
import { workload } from "./workload.ts";

export const RULES: { readonly [T in PolicyType]: Rule<RuleOf<T>> } = {
  time,
  traffic,
  workload,
  "branch-ratio": branchRatio,
};

/** Returns what judges a policy by `rule`. */
export function ruleFor<R extends PolicyRule>(rule: R): Rule<R> {
  return RULES[rule.type] as unknown as Rule<R>;
}
