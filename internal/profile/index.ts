// The table of policy types: the compiler holds it complete, so no type can be accepted and then ignored.

import type { PolicyRule, RuleOf } from "../policy.ts";
import type { PolicyType } from "../request.ts";
import { branchRatio } from "./branch-ratio.ts";
import type { Profile } from "./profile.ts";
import { time } from "./time.ts";
import { traffic } from "./traffic.ts";
import { workload } from "./workload.ts";

export const PROFILES: { readonly [T in PolicyType]: Profile<RuleOf<T>> } = {
  time,
  traffic,
  workload,
  "branch-ratio": branchRatio,
};

/** Returns the profile of `rule`. */
export function profileOf<R extends PolicyRule>(rule: R): Profile<R> {
  return PROFILES[rule.type] as unknown as Profile<R>;
}
