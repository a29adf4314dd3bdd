// May this channel ask that? Without it a guest could drive cores that it does not own.

import type { Refusal } from "../values/refusal.ts";
import type { Request } from "../values/request.ts";
import { err, ok, type Result } from "../values/result.ts";
import { type DomainId, type Pcpu, type Vcpu, vcpu } from "../values/units.ts";

/** CPUs that a vCPU may run on, and their domains. */
export interface Place {
  readonly pcpus: readonly Pcpu[];
  readonly domains: readonly DomainId[];
}

/** Returns whether two places are the same CPUs in the same domains; of one and the same object it takes no look to tell. */
export function isSamePlace(a: Place, b: Place): boolean {
  return a === b || (isSameList(a.pcpus, b.pcpus) && isSameList(a.domains, b.domains));
}

const isSameList = (a: readonly number[], b: readonly number[]): boolean =>
  a === b || (a.length === b.length && a.every((one, at) => one === b[at]));

/** Where a vCPU runs now. */
export type Placement =
  | ({ readonly kind: "placed" } & Place)
  | { readonly kind: "floating"; readonly pcpus: string }
  | { readonly kind: "unpinned"; readonly why: string }
  | { readonly kind: "absent"; readonly count: number }
  | { readonly kind: "no-cpufreq" | "clock-hung"; readonly pcpu: Pcpu };

/** Returns whether a vCPU has a place, and its CPU no clock now. */
export const hasNoClock = ({ kind }: Placement): boolean => kind === "no-cpufreq" || kind === "clock-hung";

/** What the host knows of a channel's VM; never taken from a packet. */
export interface Standing {
  readonly vm: string;
  /** The name as it can stand in a packet: the first 31 bytes. */
  readonly wireName: string;
  readonly queries: boolean;
  readonly turbo: boolean;
  /** What the VM may ask: scale steps, `policy`, `query`. */
  readonly commands: ReadonlySet<string>;
  /**
   * Returns what authorizeVcpu() says of a vCPU where it runs now.
   * @param index any non-negative number a guest may have sent
   */
  granted(index: number): Result<Grant, Refusal>;
}

declare const granted: unique symbol;
/** The leave to touch a vCPU's (or, for an operator, a pCPU's) domains. Only this file makes one, and only it is accepted by the write side. */
export interface Grant extends Place {
  /** Empty for an operator. */
  readonly vm: string;
  /** For an operator: the pCPU. */
  readonly vcpu: Vcpu;
  readonly [granted]: true;
}

/** Requests that name a VM and a vCPU. */
export type Stated = Exclude<Request, { kind: "connect" }>;

/** Returns why `request` may not speak for `standing`'s VM, or undefined when it may. */
export function refuseStated(standing: Standing, request: Stated): Refusal | undefined {
  if (request.physical) return { kind: "names-pcpu", vm: standing.vm };
  if (request.vmName !== "" && request.vmName !== standing.wireName) {
    return { kind: "name-mismatch", stated: request.vmName, vm: standing.vm };
  }
  return undefined;
}

/** Returns the grant to scale the vCPU that `request` names, or why not. */
export function authorize(
  standing: Standing,
  request: Extract<Request, { kind: "scale" }>,
): Result<Grant, Refusal> {
  const no = refuseStated(standing, request) ?? refuseCommand(standing, request.step);
  return no === undefined ? standing.granted(request.vcpu) : err(no);
}

/** Returns the grant to set one vCPU to any frequency that is no turbo, or why not. Up and down together lead anywhere. */
export function authorizeKhz(standing: Standing, index: number): Result<Grant, Refusal> {
  const no = refuseCommand(standing, "up") ?? refuseCommand(standing, "down");
  return no === undefined ? standing.granted(index) : err(no);
}

/** Returns why `standing`'s VM may not ask `command`, or undefined when it may. */
export function refuseCommand(standing: Standing, command: string): Refusal | undefined {
  const { vm } = standing;
  if (!standing.commands.has(command)) return { kind: "command-off", vm, command };
  return command === "turbo-on" && !standing.turbo ? { kind: "turbo-off", vm } : undefined;
}

/** Returns the grant of an operator, who may set any pCPU that has a clock. */
export function authorizeOperator(cpu: Pcpu, domain: DomainId): Grant {
  return { vm: "", vcpu: vcpu(cpu), pcpus: [cpu], domains: [domain] } as unknown as Grant;
}

/** Returns the grant to act on one vCPU of `vm` that runs at `place`, or why not. */
export function authorizeVcpu(vm: string, index: number, place: Placement): Result<Grant, Refusal> {
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
    case "clock-hung":
      return err({ kind: place.kind, vm, vcpu: index, pcpu: place.pcpu });
  }
}

/** Returns why `standing`'s VM may not query, or undefined when it may. */
export function refuseQuery(standing: Standing, request: Stated): Refusal | undefined {
  return (
    refuseStated(standing, request) ??
    (standing.queries ? undefined : { kind: "queries-off", vm: standing.vm })
  );
}
