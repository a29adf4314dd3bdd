// The main job: a guest moves its own vCPU's frequency.

import { authorize } from "../../claims/authorize.ts";
import { SERVED, refused } from "../outcome.ts";
import type { Before } from "../../claims/lease.ts";
import type { Vm } from "../vm.ts";
import type { Desk, Serve } from "./serve.ts";

/** Moves the frequency that a vCPU wishes by one step, when it may; the wish lasts. Source: DPDK channel_monitor.c, process_request. */
export const scale: Serve<"scale"> = (desk, caller, request) => {
  const { vm, lease } = caller;
  const before = lease.asksBefore(request.vcpu) ? standing(desk, vm, request.vcpu) : undefined;
  const outcome = move(desk, caller, request);
  if (outcome.kind === "done") lease.keep(request.vcpu, before);
  return outcome;
};

/** Returns what the guest of `vm` wishes for `vcpu` now, as it stands; undefined for nothing. */
export function standing(desk: Desk, { vm }: Vm, vcpu: number): Before | undefined {
  const claim = desk.ledger.claim("guest", vm, vcpu);
  return claim && { claimant: claim.claimant, level: claim.level };
}

/** Moves the frequency that a vCPU wishes by one step, when it may. */
export const move: Serve<"scale"> = (desk, { vm, claimant }, request) => {
  const grant = authorize(vm, request);
  if (!grant.ok) return refused(grant.error);
  if (request.step === "turbo-on") {
    const domain = grant.value.domains.find((id) => desk.cpufreq.domainById(id)?.hasTurbo !== true);
    if (domain !== undefined) {
      const pcpu = grant.value.pcpus[0] ?? -1;
      return refused({ kind: "no-turbo", vm: vm.vm, vcpu: request.vcpu, pcpu });
    }
  }
  const done = desk.ledger.step(grant.value, claimant, request.step);
  return done.ok ? SERVED : { kind: "failed", error: done.error };
};
