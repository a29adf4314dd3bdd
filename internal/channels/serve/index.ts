// The table of request kinds, held complete by the compiler.

import type { Request } from "../../values/request.ts";
import { type Outcome, refused, refusedSilently } from "../outcome.ts";
import type { Refusal } from "../../values/refusal.ts";
import { connect } from "./connect.ts";
import { extension, refuseExtension } from "./extension.ts";
import { policy, policyRemove } from "./policy.ts";
import { queryCaps, queryFreq } from "./query.ts";
import { scale } from "./scale.ts";
import type { Caller, Desk, Serve } from "./serve.ts";

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
export function refuse(caller: Caller, request: Request, refusal: Refusal): Outcome {
  switch (request.kind) {
    case "extension":
      return refuseExtension(caller, request, refusal);
    case "scale":
    case "policy":
      return refused(refusal);
    default:
      // Where DPDK's host is silent, a stock guest would take an answer for that to its next request.
      return refusedSilently(refusal);
  }
}

/** Returns what came of `request`. */
export function serve(desk: Desk, caller: Caller, request: Request): Outcome {
  return (SERVE[request.kind] as Serve<typeof request.kind>)(desk, caller, request as never);
}
