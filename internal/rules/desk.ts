// What policies need of the host; daemon, tests and the dry run each have their own.

import type { PolicyLevel, TrafficRule } from "../values/policy.ts";
import type { BranchSample } from "./rule.ts";
import type { Refusal } from "../values/refusal.ts";
import type { Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";

/** Whom a policy moves: the vCPUs of a VM, or the host's CPU that a FIFO is for. */
export type PolicySubject = { readonly vm: string } | { readonly fifo: number };

/** Returns what `subject` is called in answers and log; no VM's name has a slash. */
export const nameOf = (subject: PolicySubject): string =>
  "vm" in subject ? subject.vm : `/fifo${subject.fifo}`;

/** Who gave a policy; an operator's beats a guest's. */
export const ORIGINS = ["operator", "guest"] as const;
export type Origin = (typeof ORIGINS)[number];

/** What a policy wishes for a vCPU. */
export interface PolicyWish {
  readonly level: PolicyLevel;
  /** As the policy's. */
  readonly turbo: boolean | undefined;
}

/** Why a policy is not, or not wholly, in effect. */
export type PolicyProblem = Refusal | SysfsError;

/** Where wishes go. */
export interface PolicyDesk {
  /** Returns the vCPUs that a policy for all of them moves; undefined while the VM is not there. */
  vcpus(subject: PolicySubject): readonly number[] | undefined;
  /** Returns why this vCPU can't be moved, or undefined when it can. */
  refuse(subject: PolicySubject, vcpu: number): Refusal | undefined;
  /** Makes or changes the one wish of this origin for a vCPU. */
  wish(subject: PolicySubject, vcpu: number, origin: Origin, wish: PolicyWish): Result<void, PolicyProblem>;
  /** Takes that wish back, if it still stands. */
  withdraw(subject: PolicySubject, vcpu: number, origin: Origin): void;
  /** Told of each failure: of a wish, and of a counter. */
  failed(subject: PolicySubject, origin: Origin, problem: PolicyProblem): void;
}

/** Something that grows. */
export interface Counter<T> {
  /** Returns the count so far; undefined while nothing is known. */
  read(): Result<T | undefined, SysfsError>;
  close(): void;
}

/** Where counts come from. */
export interface PolicyCounters {
  /** Counts what the subject receives. Errors: mac-nowhere, no-interface, policy-lacks. */
  traffic(subject: PolicySubject, rule: TrafficRule): Result<Counter<number>, Refusal>;
  /** Counts branches where the vCPU runs, wherever that is at the time. Errors: no-branch-counters, and why it has no place. */
  branches(subject: PolicySubject, vcpu: number): Result<Counter<BranchSample>, Refusal>;
}

/** Time, so that a test can turn it. */
export interface Clock {
  /** The wall clock, ms since 1970. */
  now(): number;
  /** ms from anywhere; never goes back. */
  monotonicMs(): number;
  /** Calls `due` once after `ms`; returns how to prevent it. */
  setTimer(ms: number, due: () => void): () => void;
}

/** The machine's own. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(ms, due) {
    const timer = setTimeout(due, ms);
    return () => clearTimeout(timer);
  },
};
