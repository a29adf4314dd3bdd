// Putting the host to sleep: what can be said of it, and how it went.

import * as v from "valibot";
import { about, flag, list, option, texts } from "./words.ts";

const TARGETS = ["mem", "disk", "hybrid", "freeze"] as const;
const oneOf = <const T extends readonly string[]>(words: T) =>
  v.picklist(words, `must be one of ${words.join(", ")}`);
const SECONDS = "must be whole seconds from 5 to 31536000";
const UNTIL = 'must be a date and time such as "2026-12-01T05:00:00Z"';

export const sleepAsk = v.pipe(
  v.strictObject({
    target: about(oneOf(TARGETS), "How deep."),
    durationS: about(
      v.optional(
        v.pipe(
          v.number(SECONDS),
          v.integer(SECONDS),
          v.minValue(5, SECONDS),
          v.maxValue(31_536_000, SECONDS),
        ),
      ),
      "Seconds until the alarm wakes the host.",
    ),
    until: about(
      v.optional(
        v.pipe(
          v.string(UNTIL),
          v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?$/, UNTIL),
          v.check((text) => !Number.isNaN(Date.parse(text)), UNTIL),
        ),
      ),
      "When the alarm wakes it, ISO 8601.",
    ),
    wake: about(v.optional(oneOf(["rtc", "none"]), "rtc"), "The alarm wakes it, or somebody else."),
    force: about(option, "Whether to sleep in spite of what speaks against it and can be passed over."),
    dryRun: about(option, "Whether to tell what would be, and not to sleep."),
    prepare: about(
      v.optional(oneOf(["none", "pause", "shutdown"]), "none"),
      "What is done to libvirt's running VMs, and undone after.",
    ),
    variant: about(
      v.optional(
        v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,32}$/, "must be a word of power/mem_sleep or power/disk")),
      ),
      "What mem or disk means this time.",
    ),
    logind: about(v.optional(flag, true), "Whether logind is asked where it runs."),
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
  v.description("It must have one of durationS, until and wake none; a variant goes with mem and disk."),
  v.transform(({ durationS, until, ...rest }) => ({ ...rest, wake: wakeOf(durationS, until) })),
);
export type SleepAsk = v.InferOutput<typeof sleepAsk>;

/** Seconds until the wake alarm, or the time of it in ISO 8601, or somebody else wakes the host. */
function wakeOf(
  inS: number | undefined,
  at: string | undefined,
): { readonly inS: number } | { readonly at: string } | "none" {
  if (inS !== undefined) return { inS };
  return at === undefined ? "none" : { at };
}

/** How a sleep went, or would go. */
export const sleepReport = v.object({
  target: v.picklist(TARGETS),
  via: v.picklist(["kernel", "logind"]),
  slept: v.boolean(),
  wakeAt: v.optional(v.string()),
  clock: v.optional(v.string()),
  blockers: list(v.object({ what: v.string(), forceable: v.boolean() })),
  warnings: texts,
  prepared: texts,
  record: v.optional(
    v.object({
      sleptS: about(v.optional(v.number()), "How long by the kernel's clocks, s."),
      clockS: about(v.optional(v.number()), "How long by the real-time clock, s."),
      lateS: about(v.optional(v.number()), "From the alarm to the end, s."),
      wokenBy: v.string(),
    }),
  ),
  notRestored: about(texts, "What could not be put back, a sentence each."),
});
export type SleepReport = v.InferOutput<typeof sleepReport>;
