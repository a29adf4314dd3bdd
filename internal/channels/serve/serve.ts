// What it is to serve a request: who asks, what may be used for it, and the one form of all that answer.

import type { Claimant } from "../../claims/claim.ts";
import type { Ledger } from "../../claims/ledger.ts";
import type { Lease } from "../../claims/lease.ts";
import type { PolicyEngine } from "../../rules/engine.ts";
import type { Cpufreq } from "../../sysfs/cpufreq/cpufreq.ts";
import type { VmJoules } from "../../values/extension.ts";
import type { Refusal } from "../../values/refusal.ts";
import type { Request } from "../../values/request.ts";
import type { Result } from "../../values/result.ts";
import type { Outcome } from "../outcome.ts";
import type { Vm } from "../vm.ts";

/** What VMs used of the host's energy. */
export interface EnergyBook {
  /** Returns what is counted for `vm`, from its first question on. */
  used(vm: Vm): Result<VmJoules, Refusal>;
}

/** What serving a request may use. */
export interface Desk {
  readonly energy: EnergyBook;
  readonly cpufreq: Cpufreq;
  readonly ledger: Ledger;
  readonly policies: PolicyEngine;
}

/** Who asks: the guest at the other end of one connection. */
export interface Caller {
  /** Whose channel it is. */
  readonly vm: Vm;
  /** Whose its wishes are. */
  readonly claimant: Claimant;
  /** What it agreed with HELLO. */
  readonly lease: Lease;
}

/** Serves one kind of request and returns what came of it. */
export type Serve<K extends Request["kind"]> = (
  desk: Desk,
  caller: Caller,
  request: Extract<Request, { kind: K }>,
) => Outcome;
