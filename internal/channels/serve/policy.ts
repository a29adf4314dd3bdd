// Policies from guests: what stands is acted on by the engine, and the answer comes after it was applied or refused.

import { refuseStated, refuseCommand } from "../../claims/authorize.ts";
import { fromGuest } from "../../values/policy.ts";
import { SERVED, NOTED, refused, refusedSilently } from "../outcome.ts";
import type { Serve } from "./serve.ts";

/** Puts a guest's policy in force for its own vCPUs, in place of the one before. Source: DPDK channel_monitor.c, update_policy. */
export const policy: Serve<"policy"> = (desk, { vm, claimant }, request) => {
  const no = refuseStated(vm, request) ?? refuseCommand(vm, "policy");
  if (no !== undefined) return refused(no);
  const given = fromGuest(request.policy);
  const set = desk.policies.set({ vm: vm.vm }, "guest", given, claimant);
  if (set.ok) return SERVED;
  return set.error.kind === "sysfs" ? { kind: "failed", error: set.error } : refused(set.error);
};

/** Removes the guest's policy and its wishes; never answered. Source: DPDK channel_monitor.c, process_request. */
export const policyRemove: Serve<"policy-remove"> = (desk, { vm }, request) => {
  const no = refuseStated(vm, request);
  if (no !== undefined) return refusedSilently(no);
  desk.policies.remove({ vm: vm.vm }, "guest");
  return NOTED;
};
