// A guest goes: all that it wished goes with it.

import type { Claimant } from "../claims/claim.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import type { Desk } from "./serve/serve.ts";

/** Takes back every wish of `claimant`, and the policy that it gave. Returns the failures. */
export function endClaims(
  { ledger, policies }: Pick<Desk, "ledger" | "policies">,
  claimant: Claimant,
): readonly SysfsError[] {
  policies.removeOwner(claimant);
  return ledger.withdraw((claim) => claim.claimant === claimant);
}
