// Why a vCPU's clock is what it is, told to its own VM: a limit, a neighbour, or nobody.

import { clip } from "../../claims/arbitrate.ts";
import type { Decider, VcpuState } from "../../values/extension.ts";
import { highest, lowest } from "../../values/frequency.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import type { Claim } from "../../claims/claim.ts";
import { tellGuest } from "./guest-words.ts";
import type { Caller, Desk } from "./serve.ts";
import { toldKhz } from "./query.ts";

/** Returns the state of `vcpu`, which runs on `domain`, and the sentence of its last refusal. Of other VMs it tells how many, never which. */
export function stateOf(
  desk: Desk,
  { vm, lease }: Caller,
  vcpu: number,
  domain: Domain,
): VcpuState & { readonly text: string } {
  const { ledger, cpufreq } = desk;
  const claims = cpufreq.group(domain.id).flatMap(({ id }) => [...ledger.claimsOn(id)]);
  const guests = claims.filter(({ operator, superseded }) => !operator && !superseded);
  const decision = ledger.decide(domain);
  const [own, site] = [vm.limitsIn(domain.id), ledger.siteLimits(domain)];
  const [bottom, top] = [lowest(domain.table), highest(domain.table, true)];
  const past = vm.lastRefusal(vcpu);
  return {
    wishKhz: ledger.claim("guest", vm.vm, vcpu)?.level.khz ?? 0,
    targetKhz: domain.target ?? 0,
    currentKhz: toldKhz(desk, domain),
    floorKhz: clip(clip(bottom, own), site),
    ceilingKhz: clip(clip(clip(top, own), site), { ceiling: ledger.budget(domain) }),
    lowestKhz: bottom,
    highestKhz: top,
    nominalKhz: highest(domain.table, false),
    ownClaims: guests.filter(({ grant }) => grant.vm === vm.vm).length,
    otherVms: new Set(guests.flatMap(({ grant }) => (grant.vm === vm.vm ? [] : [grant.vm]))).size,
    decidedBy: decider(decision?.winner, vm.vm, vcpu),
    winner: decision?.winner.grant.vm === vm.vm ? decision.winner.grant.vcpu : 0,
    clippedBy: decision?.clippedBy === "budget" ? "site" : (decision?.clippedBy ?? "none"),
    turboAllowed: vm.turbo,
    hasTurbo: domain.hasTurbo,
    leaseLeftMs: lease.leftMs(performance.now()),
    lastNo: past && {
      no: past.refusal.kind,
      agoS: Math.max(0, Math.floor((Date.now() - past.at) / 1000)),
    },
    text: past === undefined ? "" : tellGuest(past.refusal),
  };
}

function decider(winner: Claim | undefined, vm: string, vcpu: number): Decider {
  if (winner === undefined) return "nobody";
  if (winner.operator) return "operator";
  if (winner.grant.vm !== vm) return "other-vm";
  if (winner.claimant.by === "policy") return "policy";
  return winner.grant.vcpu === vcpu ? "this-vcpu" : "this-vm";
}
