// The table of request kinds: the compiler holds it complete, so no request can be forgotten.

import type { Request } from "../../values/request.ts";
import type { Claimant } from "../../claims/claim.ts";
import type { Ledger } from "../../claims/ledger.ts";
import type { PolicyEngine } from "../../rules/engine.ts";
import { type Outcome, refused, refusedSilently } from "../outcome.ts";
import type { Cpufreq } from "../../sysfs/cpufreq/cpufreq.ts";
import type { Vm } from "../vm.ts";
import type { Refusal } from "../../values/refusal.ts";
import { connect } from "./connect.ts";
import { extension, refuseExtension } from "./extension.ts";
import { policy, policyRemove } from "./policy.ts";
import { queryCaps, queryFreq } from "./query.ts";
import { scale } from "./scale.ts";

/** What serving a request may use. */
export interface Desk {
  readonly cpufreq: Cpufreq;
  readonly ledger: Ledger;
  readonly policies: PolicyEngine;
}

/** Serves one kind of request of `vm`, whose wishes stand as `claimant`'s. */
export type Serve<K extends Request["kind"]> = (
  desk: Desk,
  vm: Vm,
  claimant: Claimant,
  request: Extract<Request, { kind: K }>,
) => Outcome;

const SERVE: { readonly [K in Request["kind"]]: Serve<K> } = {
  connect,
  scale,
  policy,
  "policy-remove": policyRemove,
  "query-freq": queryFreq,
  "query-caps": queryCaps,
  extension,
};

/** Returns the refusal of a request that was not looked at, answered as its kind is. */
export function refuse(vm: Vm, claimant: Claimant, request: Request, refusal: Refusal): Outcome {
  switch (request.kind) {
    case "extension":
      return refuseExtension(vm, claimant, request, refusal);
    case "scale":
    case "policy":
      return refused(refusal);
    default:
      // Where DPDK's host is silent, a stock guest would take an answer for that to its next request.
      return refusedSilently(refusal);
  }
}

/** Returns what came of `request`. */
export function serve(desk: Desk, vm: Vm, claimant: Claimant, request: Request): Outcome {
  return (SERVE[request.kind] as Serve<typeof request.kind>)(desk, vm, claimant, request as never);
}
