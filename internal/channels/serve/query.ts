// What a guest may learn: its own vCPUs' frequencies and capabilities, when its VM is allowed to ask.

import { type Stated, refuseQuery } from "../../claims/authorize.ts";
import { UNIT } from "../../packet/constants.ts";
import { encodeCapsList, encodeFreqList } from "../../packet/reply.ts";
import { MAX_V1_VCPUS, type VcpuCaps } from "../../values/request.ts";
import type { Refusal } from "../../values/refusal.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import { type Outcome, refusedSilently } from "../outcome.ts";
import type { Vm } from "../vm.ts";
import type { Desk, Serve } from "./serve.ts";

const NO_CAPS: VcpuCaps = { turbo: false, priority: false };

/** Answers with what the kernel was told for one vCPU, or for all; kHz, 0 where unknown. Source: DPDK channel_monitor.c, send_freq. */
export const queryFreq: Serve<"query-freq"> = (desk, { vm }, request) =>
  answer(desk, vm, request, request.all, 0, toldKhz, (head, khz) => encodeFreqList({ ...head, khz }));

/** Answers with one vCPU's capabilities, or all; none where unknown. Source: DPDK channel_monitor.c, send_capabilities. */
export const queryCaps: Serve<"query-caps"> = (desk, { vm }, request) =>
  answer(desk, vm, request, request.all, NO_CAPS, capsOf, (head, caps) => encodeCapsList({ ...head, caps }));

interface Head {
  readonly vcpu: number;
  readonly unit: number;
  readonly vmName: string;
}

/** Both queries are one walk over the VM's first 8 vCPUs; they differ in what is read and how it is written. */
function answer<T>(
  desk: Desk,
  vm: Vm,
  request: Stated,
  all: boolean,
  unknown: T,
  read: (desk: Desk, domain: Domain) => T,
  encode: (head: Head, values: readonly T[]) => Uint8Array,
): Outcome {
  const no = refuseQuery(vm, request);
  if (no !== undefined) return refusedSilently(no);
  const count = vm.listedVcpus();
  if (!all && !(request.vcpu < count)) return refusedSilently(whyNotListed(vm, request.vcpu));
  const values: T[] = [];
  for (let vcpu = 0; vcpu < count; vcpu++) {
    const domain = all || vcpu === request.vcpu ? domainOf(desk, vm, vcpu) : undefined;
    values.push(domain === undefined ? unknown : read(desk, domain));
  }
  return {
    kind: "answered",
    reply: encode({ vcpu: request.vcpu, unit: UNIT.number.up, vmName: vm.wireName }, values),
  };
}

/** Returns why a vCPU is in no list of DPDK's: the VM has none of that number, none is known of it, or the list ends before it. */
function whyNotListed(vm: Vm, vcpu: number): Refusal {
  const count = vm.knownVcpus();
  if (vcpu >= MAX_V1_VCPUS && vcpu < count)
    return { kind: "not-listed", vm: vm.vm, vcpu, most: MAX_V1_VCPUS };
  const granted = vm.granted(vcpu);
  return vcpu < count && !granted.ok ? granted.error : { kind: "no-such-vcpu", vm: vm.vm, vcpu, count };
}

/** Returns the domain that a vCPU runs on (the first, when it floats); undefined when it has no place. */
export function domainOf(desk: Desk, vm: Vm, vcpu: number): Domain | undefined {
  const place = vm.placement(vcpu);
  const id = place.kind === "placed" ? place.domains[0] : undefined;
  return id === undefined ? undefined : desk.cpufreq.domainById(id);
}

/** Returns what the kernel was told for `domain`, in kHz; 0 when it can't be read. */
export function toldKhz(_desk: Desk, domain: Domain): number {
  if (domain.target !== undefined) return domain.target;
  const current = domain.current();
  return current.ok ? current.value : 0;
}

/** Returns what a domain can do. Priority is a higher base frequency than the machine's lowest one. Source: DPDK drivers/power/intel_pstate, power_pstate_get_capabilities. */
export function capsOf(desk: Desk, domain: Domain): VcpuCaps {
  const bases = desk.cpufreq.domains.map((d) => d.baseKhz ?? 0);
  return { turbo: domain.hasTurbo, priority: (domain.baseKhz ?? 0) > Math.min(...bases) };
}
