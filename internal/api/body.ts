// What a request's body may say: strict, so that a typo in a script is an error and not a change that never happens.

import * as v from "valibot";
import { type Step, STEPS } from "../values/request.ts";
import type { BoundText, FreqTarget } from "./operations.ts";
import { KHZ } from "../values/units.ts";

const whole = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};

const flag = v.boolean("must be true or false");
const kHz = whole(KHZ.least, KHZ.most);

/** A frequency bound: kHz, min, base or max. */
const bound = v.custom<BoundText>(
  (value) => ["min", "base", "max"].includes(value as string) || v.is(kHz, value),
  `must be kHz (${KHZ.least} to ${KHZ.most}), "min", "base" or "max"`,
);

/** PATCH /v1/vms/{vm}. */
export const vmChangeBody = v.strictObject({
  queries: v.optional(flag),
  turbo: v.optional(flag),
  floor: v.optional(bound),
  ceiling: v.optional(bound),
  requestsPerSecond: v.optional(whole(0, 1_000_000)),
  burst: v.optional(whole(1, 1_000_000)),
  /** True to keep the change over a restart. */
  save: v.optional(flag, false),
});

/** PUT /v1/vms/{vm}/vcpus/{n}/pin. */
export const pinBody = v.strictObject({
  pcpus: v.pipe(
    v.array(whole(0, 8191), "must be a list of pCPU numbers"),
    v.minLength(1, "must name at least one pCPU"),
  ),
});

/** PATCH /v1/vms/{vm}/channels/{list}. */
export const channelsBody = v.strictObject({ enabled: flag });

const target = v.custom<FreqTarget>(
  (value) => STEPS.includes(value as Step) || v.is(kHz, value),
  `must be kHz (${KHZ.least} to ${KHZ.most}), ${STEPS.join(", ")}`,
);

/** PUT /v1/freq/{list}. */
export const freqBody = v.strictObject({ target });

/** PUT /v1/vms/{vm}/policy; what the policy itself says is judged by the daemon. */
export const policyBody = v.strictObject({
  policy: v.custom<object>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "must be a policy as [vm.NAME.policy] of powermon.toml has it",
  ),
  /** True to keep it over a restart. */
  save: v.optional(flag, false),
});

/** DELETE /v1/vms/{vm}/policy; true takes it out of what was saved, too. */
export const policyRemoveBody = v.optional(v.strictObject({ save: v.optional(flag, false) }), {});

/** A request that carries nothing. */
export const noBody = v.undefined("must be empty");

/** Returns an issue of these schemas as half a sentence, such as `"floor" must be ...`. */
export function explainIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return `${path === null ? "The body" : JSON.stringify(path)} ${whatIsWrong(issue)}`;
}

function whatIsWrong({ type, expected, message }: v.BaseIssue<unknown>): string {
  if (type !== "strict_object") return message;
  if (expected === "never") return "is not known here";
  return expected === "Object" ? "must be a JSON object" : "is missing";
}
