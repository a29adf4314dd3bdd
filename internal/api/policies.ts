// VMs' policies: who gave them, what they wish, and how an operator puts one in force.

import * as v from "valibot";
import { POLICY_TYPES } from "../values/request.ts";
import { list, numbers, option } from "./words.ts";

/** Who gave a policy. */
export const origin = v.picklist(["operator", "guest"]);

export const policyReports = list(
  v.object({
    /** A VM's name, or /fifoN for what was written into a FIFO. */
    vm: v.string(),
    origin,
    type: v.picklist(POLICY_TYPES),
    /** False for a guest's policy while an operator's stands. */
    inForce: v.boolean(),
    vcpus: v.union([v.literal("all"), numbers]),
    /** Whether max may be turbo; absent where that is the vCPU's own: what its guest said last, else what its clock starts with. */
    turbo: v.optional(v.boolean()),
    /** Levels by name, or kHz. */
    wishes: list(
      v.object({ vcpu: v.number(), level: v.union([v.picklist(["min", "medium", "max"]), v.number()]) }),
    ),
    /** When it looks at the clock again, ISO 8601. */
    dueAt: v.optional(v.string()),
    /** The last rate it counted, packets per second. */
    pps: v.optional(v.number()),
    /** Why it is not, or not wholly, in effect. */
    problem: v.optional(v.string()),
    /** The rule with its windows and thresholds. */
    rule: v.object({}),
  }),
);
export type PolicyReport = v.InferOutput<typeof policyReports>[number];

/** A policy as [vm.NAME.policy] of the configuration has it, which judges it; `save` keeps it over a restart. */
export const policyChange = v.strictObject({
  policy: v.custom<object>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "must be a policy as [vm.NAME.policy] of powermon.toml has it",
  ),
  save: option,
});

/** Whether it is taken out of what was saved, too. */
export const policyEnd = v.optional(v.strictObject({ save: option }), {});
