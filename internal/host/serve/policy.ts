// Policies from guests.

import { refuseClaim } from "../../arbiter/authorize.ts";
import { NOTED, refused } from "../outcome.ts";
import type { Serve } from "./index.ts";

/** Refuses a policy, so that the guest knows that nobody acts on it. */
export const policy: Serve<"policy"> = (_desk, vm, _claimant, request) =>
  refused(refuseClaim(vm, request) ?? { kind: "policies-off", vm: vm.vm });

/** Takes note that no policy is wanted; never answered. Source: DPDK channel_monitor.c, process_request. */
export const policyRemove: Serve<"policy-remove"> = () => NOTED;
