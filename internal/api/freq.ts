// CPUs' clocks: what they were told and hold, who claims them and why they are as they are. Frequencies are kHz.

import * as v from "valibot";
import { PRIORITIES } from "../values/vm-settings.ts";
import { STEPS } from "../values/frequency.ts";
import { dryRun } from "./dry-run.ts";
import { about, by, clippedBy, list, number, numbers, text, texts, vcpuRefusal, wordOrKhz } from "./words.ts";

const freqEntries = {
  cpu: number("The CPU's number."),
  domain: number("Its clock: N of the kernel's policyN."),
  driver: v.string(),
  governor: v.optional(v.string()),
  targetKhz: about(
    v.optional(v.number()),
    "What powermon told the kernel; absent when the domain is not ours now.",
  ),
  currentKhz: about(v.optional(v.number()), "What the kernel holds as told."),
  minKhz: number("Lowest of the hardware."),
  nominalKhz: number("Highest without turbo."),
  maxKhz: number("Highest, turbo included where it is on."),
  turbo: about(v.boolean(), "Whether it has turbo frequencies now."),
  frequenciesKhz: about(
    numbers,
    "All that it can be set to, descending, or those that a scale request steps through.",
  ),
  operatorClaim: about(v.boolean(), "Whether an operator claims it."),
};

export const freqReport = v.object(freqEntries);
export const freqReports = list(freqReport);
export type FreqReport = v.InferOutput<typeof freqReport>;

/** What an operator sets a CPU to. */
export const freqChange = v.strictObject({
  target: about(wordOrKhz(STEPS, STEPS.join(", ")), "What a guest could ask for, or kHz."),
  dryRun,
});

export type FreqTarget = v.InferOutput<typeof freqChange>["target"];

/** What was tried again, and whether its call came back. */
export const retryReport = list(
  v.object({
    path: text("The file of the kernel."),
    cpus: about(numbers, "CPUs whose clock or own file it is; none where it is the machine's."),
    answers: about(v.boolean(), "Whether the call on it came back."),
  }),
);

export const claimReport = v.object({
  by,
  vm: v.optional(v.string()),
  vcpu: about(v.optional(v.number()), "The vCPU that it is made for."),
  wishKhz: number("What is wished."),
  turbo: about(v.boolean(), "Whether it is above the highest that isn't turbo."),
  clippedKhz: number("The wish within its VM's floor and ceiling."),
});
export type ClaimReport = v.InferOutput<typeof claimReport>;

/** A floor and a ceiling where there are any. */
const limits = v.object({
  floorKhz: about(v.optional(v.number()), "No lower than this."),
  ceilingKhz: about(v.optional(v.number()), "No higher than this."),
});

export const explainReport = v.object({
  ...freqEntries,
  range: about(
    v.optional(v.string()),
    "From where to where the clock goes, in words, and what its highest or its turbo is; absent while it can't be read.",
  ),
  sharedWith: about(numbers, "CPUs that share the clock."),
  siblingDomains: about(numbers, "Other domains whose CPUs are SMT siblings of this one's."),
  claims: list(claimReport),
  siblingClaims: list(claimReport),
  winner: v.optional(claimReport),
  clippedBy,
  site: limits,
  ownLimits: about(
    limits,
    "Limits that stood on the domain before powermon, and come back with its last claim.",
  ),
  driverLimits: about(limits, "Limits that the driver has for all CPUs, as by intel_pstate's max_perf_pct."),
  budget: about(
    v.optional(
      v.object({
        ceilingKhz: number("The ceiling that the power budget leaves."),
        watts: number("The budget, W."),
        priority: v.picklist(PRIORITIES),
        meterLost: v.optional(v.string()),
      }),
    ),
    "What the power budget makes of the clock; absent where it leaves it alone.",
  ),
  online: v.boolean(),
  heldMinKhz: about(
    v.optional(v.number()),
    "The lower limit that the kernel holds now; absent while it can't be read, as an offline CPU's.",
  ),
  heldMaxKhz: about(v.optional(v.number()), "The upper one."),
  why: about(texts, "Sentences, most important first: why the clock is what it is."),
  lastRefusals: list(vcpuRefusal),
  lastWrite: v.optional(
    v.object({
      at: text("ISO 8601."),
      khz: about(v.optional(v.number()), "kHz; absent when it was given back."),
      error: about(v.optional(v.string()), "Why it failed; absent when it did not."),
    }),
  ),
});
export type ExplainReport = v.InferOutput<typeof explainReport>;
