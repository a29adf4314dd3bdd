// What a request about the host's own power may say; strict, as body.ts.

import * as v from "valibot";
import type { SuspendAsk } from "./power-operations.ts";

const flag = v.optional(v.boolean("must be true or false"), false);
const words = <const T extends readonly string[]>(list: T) =>
  v.picklist(list, `must be one of ${list.join(", ")}`);
const CPUS = 'must be a list such as "0-3,8", all, isolated, housekeeping or vm:NAME';
const SECONDS = "must be whole seconds from 1 to 31536000";
const UNTIL = 'must be a date and time such as "2026-12-01T05:00:00Z"';

/** PUT /v1/profile. */
export const profileBody = v.strictObject({
  name: v.pipe(v.string("must be a profile's name"), v.nonEmpty("must be a profile's name")),
  cpus: v.optional(v.pipe(v.string(CPUS), v.nonEmpty(CPUS))),
  dryRun: flag,
});

/** POST /v1/suspend. */
export const suspendBody = v.pipe(
  v.strictObject({
    target: words(["mem", "disk", "hybrid", "freeze"]),
    durationS: v.optional(
      v.pipe(v.number(SECONDS), v.integer(SECONDS), v.minValue(1, SECONDS), v.maxValue(31_536_000, SECONDS)),
    ),
    until: v.optional(
      v.pipe(
        v.string(UNTIL),
        v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?$/, UNTIL),
        v.check((text) => !Number.isNaN(Date.parse(text)), UNTIL),
      ),
    ),
    wake: v.optional(words(["rtc", "none"]), "rtc"),
    force: flag,
    dryRun: flag,
    prepare: v.optional(words(["none", "pause", "shutdown"]), "none"),
    variant: v.optional(
      v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,32}$/, "must be a word of power/mem_sleep or power/disk")),
    ),
    logind: v.optional(v.boolean("must be true or false"), true),
  }),
  v.check(
    ({ durationS, until, wake }) =>
      [durationS !== undefined, until !== undefined, wake === "none"].filter(Boolean).length === 1,
    'must have one of durationS, until and "wake": "none"',
  ),
  v.check(
    ({ target, variant }) => variant === undefined || target === "mem" || target === "disk",
    "can have a variant with mem and disk only",
  ),
  v.transform(({ durationS, until, ...rest }): SuspendAsk => {
    if (durationS !== undefined) return { ...rest, wake: { inS: durationS } };
    return { ...rest, wake: until === undefined ? "none" : { at: until } };
  }),
);
