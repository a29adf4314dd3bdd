// What a rule of a policy type is: a pure function from what is known to a level.

import type { PolicyLevel, PolicyRule } from "../values/policy.ts";

/** What can be watched for a rule: received packets of a VM, or branches of a vCPU's pCPU. */
export type Watch = "traffic" | "branches";

/** Branches of one pCPU over one sample. */
export interface BranchSample {
  readonly branches: number;
  readonly misses: number;
}

/** What a rule may look at. A missing measurement leaves things as they are. */
export interface Inputs {
  /** Wall clock, ms since 1970. */
  readonly now: number;
  /** Packets received per second. */
  readonly pps?: number | undefined;
  readonly branches?: BranchSample | undefined;
}

/** What a rule decided, and all that it remembers. */
export interface Verdict {
  /** Undefined leaves things as they are. */
  readonly level: PolicyLevel | undefined;
  /** Samples in a row that were not busy. */
  readonly quiet: number;
}

/** Before the first decision. */
export const UNDECIDED: Verdict = { level: undefined, quiet: 0 };

/** One rule: no clock, no files; the same inputs give the same verdict. */
export interface Rule<R extends PolicyRule> {
  /** Returns what has to be watched at `now` (ms since 1970). */
  watches(rule: R, now: number): Watch | undefined;
  /** Returns the next time (ms since 1970, after `now`) at which the verdict may change by itself; undefined for never. */
  nextLook(rule: R, now: number): number | undefined;
  /** Returns the verdict that follows `before`. */
  evaluate(rule: R, inputs: Inputs, before: Verdict): Verdict;
}
