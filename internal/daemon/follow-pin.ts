// A claim goes where its vCPU goes: the host's look finds that out again and again, and a dry run of a pin foresees it.

import { isSamePlace, type Standing } from "../claims/authorize.ts";
import type { Claim } from "../claims/claim.ts";
import type { Ledger } from "../claims/ledger.ts";
import type { EventFeed } from "../events.ts";
import type { Log } from "../log.ts";
import { explain, type Refusal } from "../values/refusal.ts";
import { explainSysfs } from "../values/sysfs-error.ts";

/** Where claims stand, and who is told. */
interface PinFollower {
  readonly ledger: Ledger;
  readonly events: EventFeed;
  readonly log: Log;
  /** A wish of a policy of this VM ended, because its vCPU has no place now. */
  policyLost(vm: string): void;
}

/**
 * Moves a claim of `vm` to the domains its vCPU runs on now; one that has no place of its own any more ends. While a CPU of its own has no
 * clock, as between two drivers, it waits.
 */
export function followPin(
  { ledger, events, log, policyLost }: PinFollower,
  vm: Standing,
  claim: Claim,
): void {
  const grant = vm.granted(claim.grant.vcpu);
  if (grant.ok ? isSamePlace(grant.value, claim.grant) : hasGone(claim, grant.error)) return;
  const fields = { vm: claim.grant.vm, vcpu: claim.grant.vcpu };
  if (!grant.ok) {
    const message = explain(grant.error);
    log.info(`Claim withdrawn: ${message}`, fields);
    events.emit("claim-withdrawn", { ...fields, message });
    for (const error of ledger.withdraw((other) => other === claim)) log.error(explainSysfs(error), fields);
    // A request is over with its wish; a policy stands, and waits for the place.
    if (claim.claimant.by === "policy") policyLost(claim.grant.vm);
    return;
  }
  const pcpus = grant.value.pcpus.join(",");
  log.info("Claim follows its vCPU", { ...fields, pcpus });
  events.emit("claim-moved", { ...fields, pcpus });
  const moved = ledger.wish(grant.value, claim.claimant, claim.level);
  if (!moved.ok) log.warnFolded(explainSysfs(moved.error), explainSysfs(moved.error), fields);
}

/** Returns whether a vCPU is refused only because the clock that a claim was made on is not there now. */
const hasGone = ({ grant }: Claim, refusal: Refusal): boolean =>
  (refusal.kind === "no-cpufreq" || refusal.kind === "clock-hung") &&
  grant.pcpus.some((cpu) => cpu === refusal.pcpu);
