// What would happen if something was asked for in earnest: what would change, and what each clock would get of it.

import * as v from "valibot";
import { about, by, clippedBy, flag, list, number, numbers, text, texts } from "./words.ts";

/** The key of a body that asks for it. */
export const dryRun = about(v.optional(flag), "Whether to tell what would change, and change nothing.");
/** The body of what says nothing else. */
export const dryRunAlone = v.optional(v.strictObject({ dryRun }), {});

/** What a clock is told, and by whose wish. */
const told = v.object({
  khz: about(
    v.optional(v.number()),
    "What it is told, kHz; absent while it is as the machine's operator had it.",
  ),
  by: v.optional(by),
  vm: about(v.optional(v.string()), "The VM whose wish decides."),
  vcpu: about(v.optional(v.number()), "The vCPU whose wish decides."),
  clippedBy,
});

/** Clocks that would be told something else, or for somebody else. */
export const clockChanges = list(
  v.object({
    domain: number("The clock: N of the kernel's policyN."),
    cpus: about(numbers, "The CPUs that have it."),
    before: told,
    after: told,
  }),
);
export type ClockChange = v.InferOutput<typeof clockChanges>[number];

const change = v.object({
  what: text("What would be another, such as `channel vm1.0`."),
  before: about(v.optional(v.string()), "What it is now; absent where it is not there."),
  after: about(v.optional(v.string()), "What it would be; absent where it would not be there any more."),
});
export type Change = v.InferOutput<typeof change>;

export const dryRunReport = v.object({
  dryRun: v.literal(true),
  changes: about(list(change), "What would be another; empty where nothing would."),
  clocks: about(clockChanges, "What follows for the clocks that it moves, or that would be another's."),
  warnings: about(texts, "What would not be, or not wholly, in effect, and why; a sentence each."),
});
export type DryRunReport = v.InferOutput<typeof dryRunReport>;
