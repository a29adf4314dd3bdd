// CPUs' clocks: what they were told and hold, who claims them and why they are as they are. Frequencies are kHz.

import * as v from "valibot";
import { STEPS } from "../values/frequency.ts";
import { by, clippedBy, list, numbers, texts, vcpuRefusal, wordOrKhz } from "./words.ts";

const freqEntries = {
  cpu: v.number(),
  domain: v.number(),
  driver: v.string(),
  governor: v.optional(v.string()),
  /** What powermon told the kernel; absent when the domain is not ours now. */
  targetKhz: v.optional(v.number()),
  /** What the kernel holds as told. */
  currentKhz: v.optional(v.number()),
  minKhz: v.number(),
  /** Highest without turbo. */
  nominalKhz: v.number(),
  maxKhz: v.number(),
  turbo: v.boolean(),
  frequenciesKhz: numbers,
  operatorClaim: v.boolean(),
};

export const freqReports = list(v.object(freqEntries));
export type FreqReport = v.InferOutput<typeof freqReports>[number];

/** What an operator sets a CPU to. */
export const freqChange = v.strictObject({ target: wordOrKhz(STEPS, STEPS.join(", ")) });

/** What was tried again, and whether its call came back. */
export const retryReport = list(v.object({ path: v.string(), cpus: numbers, answers: v.boolean() }));

const claimReport = v.object({
  by,
  vm: v.optional(v.string()),
  vcpu: v.optional(v.number()),
  wishKhz: v.number(),
  /** Whether it is above the highest that isn't turbo. */
  turbo: v.boolean(),
  /** The wish within its VM's floor and ceiling. */
  clippedKhz: v.number(),
});
export type ClaimReport = v.InferOutput<typeof claimReport>;

/** A floor and a ceiling where there are any. */
const limits = v.object({ floorKhz: v.optional(v.number()), ceilingKhz: v.optional(v.number()) });

export const explainReport = v.object({
  ...freqEntries,
  /** CPUs that share the clock. */
  sharedWith: numbers,
  /** Other domains whose CPUs are SMT siblings of this one's. */
  siblingDomains: numbers,
  claims: list(claimReport),
  siblingClaims: list(claimReport),
  winner: v.optional(claimReport),
  clippedBy,
  site: limits,
  /** Limits that stood on the domain before powermon, and come back with its last claim. */
  ownLimits: limits,
  /** Limits that the driver has for all CPUs, as by intel_pstate's max_perf_pct. */
  driverLimits: limits,
  online: v.boolean(),
  /** The limits that the kernel holds now; absent while they can't be read, as those of an offline CPU. */
  heldMinKhz: v.optional(v.number()),
  heldMaxKhz: v.optional(v.number()),
  /** Sentences, most important first: why the clock is what it is. */
  why: texts,
  lastRefusals: list(vcpuRefusal),
  /** Absent keys of it: given back, and no error. */
  lastWrite: v.optional(
    v.object({ at: v.string(), khz: v.optional(v.number()), error: v.optional(v.string()) }),
  ),
});
export type ExplainReport = v.InferOutput<typeof explainReport>;
