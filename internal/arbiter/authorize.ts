// May this channel ask that? Without it a guest could drive cores that it does not own.

import type { Refusal } from "../refusal.ts";
import type { Request } from "../request.ts";
import { err, ok, type Result } from "../result.ts";
import { type DomainId, type Pcpu, type Vcpu, vcpu } from "../units.ts";

/** Where a vCPU runs now. */
export type Placement =
  | { readonly kind: "placed"; readonly pcpus: readonly Pcpu[]; readonly domains: readonly DomainId[] }
  | { readonly kind: "floating"; readonly pcpus: string }
  | { readonly kind: "unpinned"; readonly why: string }
  | { readonly kind: "absent"; readonly count: number }
  | { readonly kind: "no-cpufreq"; readonly pcpu: Pcpu };

/** What the host knows of a channel's VM; never taken from a packet. */
export interface Standing {
  readonly vm: string;
  /** The name as it can stand in a packet: the first 31 bytes. */
  readonly claimName: string;
  readonly queries: boolean;
  /** @param index any non-negative number a guest may have sent */
  placement(index: number): Placement;
}

declare const granted: unique symbol;
/** The leave to touch a vCPU's domains. Only authorize() makes one, and only it is accepted by the write side. */
export interface Grant {
  readonly vm: string;
  readonly vcpu: Vcpu;
  readonly pcpus: readonly Pcpu[];
  readonly domains: readonly DomainId[];
  readonly [granted]: true;
}

/** Requests that name a VM and a vCPU. */
export type Claimed = Exclude<Request, { kind: "connect" }>;

/** Returns why `request` may not speak for `standing`'s VM, or undefined when it may. */
export function refuseClaim(standing: Standing, request: Claimed): Refusal | undefined {
  if (request.physical) return { kind: "names-pcpu", vm: standing.vm };
  if (request.vmName !== "" && request.vmName !== standing.claimName) {
    return { kind: "name-mismatch", claimed: request.vmName, vm: standing.vm };
  }
  return undefined;
}

/** Returns the grant to scale the vCPU that `request` names, or why not. */
export function authorize(standing: Standing, request: Claimed): Result<Grant, Refusal> {
  const no = refuseClaim(standing, request);
  return no === undefined ? authorizeVcpu(standing, request.vcpu) : err(no);
}

/** Returns the grant to act on one vCPU of the channel's own VM, or why not. */
export function authorizeVcpu(standing: Standing, index: number): Result<Grant, Refusal> {
  const { vm } = standing;
  const place = standing.placement(index);
  switch (place.kind) {
    case "placed":
      return ok({ vm, vcpu: vcpu(index), pcpus: place.pcpus, domains: place.domains } as unknown as Grant);
    case "floating":
      return err({ kind: "floating", vm, vcpu: index, pcpus: place.pcpus });
    case "unpinned":
      return err({ kind: "not-pinned", vm, vcpu: index, why: place.why });
    case "absent":
      return err({ kind: "no-such-vcpu", vm, vcpu: index, count: place.count });
    case "no-cpufreq":
      return err({ kind: "no-cpufreq", vm, vcpu: index, pcpu: place.pcpu });
  }
}

/** Returns why `standing`'s VM may not query, or undefined when it may. */
export function refuseQuery(standing: Standing, request: Claimed): Refusal | undefined {
  return (
    refuseClaim(standing, request) ??
    (standing.queries ? undefined : { kind: "queries-off", vm: standing.vm })
  );
}
