// VMs' policies: who gave them, what they wish, and how an operator puts one in force.

import * as v from "valibot";
import { POLICY_TYPES } from "../values/request.ts";
import { dryRun } from "./dry-run.ts";
import { about, list, number, numbers, option, text } from "./words.ts";

/** Who gave a policy. */
export const origin = v.picklist(["operator", "guest"]);

export const policyReport = v.object({
  vm: text("A VM's name, or /fifoN for what was written into a FIFO."),
  origin,
  type: v.picklist(POLICY_TYPES),
  inForce: about(v.boolean(), "False for a guest's policy while an operator's stands."),
  vcpus: v.union([v.literal("all"), numbers]),
  turbo: about(
    v.optional(v.boolean()),
    "Whether max may be turbo; absent where that is the vCPU's own: what its guest said last, else what its clock starts with.",
  ),
  wishes: list(
    v.object({
      vcpu: number("The vCPU's number."),
      level: about(v.union([v.picklist(["min", "medium", "max"]), v.number()]), "A level's name, or kHz."),
    }),
  ),
  dueAt: about(v.optional(v.string()), "When it looks at the clock again, ISO 8601."),
  pps: about(v.optional(v.number()), "The last rate it counted, packets per second."),
  problem: about(v.optional(v.string()), "Why it is not, or not wholly, in effect."),
  rule: about(v.object({}), "The rule with its windows and thresholds."),
});
export type PolicyReport = v.InferOutput<typeof policyReport>;
export const policyReports = list(policyReport);

const SAVED = "Whether it is kept over a restart.";
/** A policy as [vm.NAME.policy] of the configuration has it, which judges it. */
export const policyChange = v.strictObject({
  policy: about(
    v.custom<object>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      "must be a policy as [vm.NAME.policy] of powermon.toml has it",
    ),
    "A policy as [vm.NAME.policy] of powermon.toml(5) has it.",
  ),
  save: about(option, SAVED),
  dryRun,
});

export const policyEnd = v.optional(
  v.strictObject({ save: about(option, "Whether it is taken out of what was saved, too."), dryRun }),
  {},
);
