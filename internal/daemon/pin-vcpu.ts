// Pinning a vCPU: what can be pinned, and what would come of it.

import type { DryRunReport } from "../api/dry-run.ts";
import type { Vm } from "../channels/vm.ts";
import { readVcpuThreads } from "../pinning/proc.ts";
import { type Answer, no } from "../values/answer.ts";
import { cpusText, formatCpuList } from "../values/cpulist.ts";
import { explain } from "../values/refusal.ts";
import { ok } from "../values/result.ts";
import { type Pcpu, pcpu } from "../values/units.ts";
import { followPin } from "./follow-pin.ts";
import type { Host } from "./host.ts";
import { paperVm } from "./rehearsal/paper-vm.ts";
import { changed, rehearse } from "./rehearsal/rehearsal.ts";

/** Most vCPUs that are listed one by one. */
const MAX_LISTED = 512;
const NO_THREADS: ReadonlyMap<number, number> = new Map();

/** Returns the VM whose vCPU can be pinned to these CPUs, as far as can be told without its threads. */
export function pinnable(host: Host, name: string, vcpu: number, pcpus: readonly number[]): Answer<Vm> {
  const vm = host.channels.vm(name);
  if (vm === undefined) return noVm(host, name);
  const { placement } = vm.find(vcpu);
  if (placement.kind === "absent") return noVcpu(name, vcpu, placement.count);
  const present = host.cpufreq.topology.present();
  const absent = present.ok ? pcpus.filter((cpu) => !present.value.includes(pcpu(cpu))) : [];
  if (!present.ok || absent.length === 0) return ok(vm);
  return no(
    "not-found",
    `${cpusText(absent)} ${absent.length === 1 ? "is" : "are"} not on this machine; it has ${cpusText(present.value)}.`,
  );
}

/** Returns the thread that runs a vCPU. */
export function threadOf(host: Host, procRoot: string, vm: Vm, vcpu: number): Answer<number> {
  const { pid } = vm;
  const threads = pid === undefined ? NO_THREADS : readVcpuThreads(procRoot, pid);
  const tid = threads.get(vcpu);
  if (tid !== undefined) return ok(tid);
  if (threads.size > 0) return noVcpu(vm.vm, vcpu, threads.size);
  const name = JSON.stringify(vm.vm);
  return knownVcpus(host, vm).includes(vcpu)
    ? no("failed", `VM ${name} has no thread for vCPU ${vcpu} that could be pinned.`)
    : no("not-found", `VM ${name} has no vCPU ${vcpu} that is known of.`);
}

/** Returns what it would come to if a vCPU ran on these CPUs. */
export function tryPin(host: Host, vm: Vm, vcpu: number, pcpus: readonly Pcpu[]): Answer<DryRunReport> {
  const { placement } = vm.find(vcpu);
  const seen = goesByPins(host, vm, vcpu);
  const placeOf = (index: number) => (index === vcpu ? vm.placeOn(pcpus) : vm.placement(index));
  const other = paperVm(vm, host.cpufreq, vm.settings, seen ? placeOf : undefined);
  return rehearse(
    host,
    (paper) => {
      if (!seen)
        paper.warnings.push(
          `The configuration says where vCPU ${vcpu} of VM ${JSON.stringify(vm.vm)} runs, and powermon goes by that: claims stay where they are.`,
        );
      const moved = other.granted(vcpu);
      if (!moved.ok) paper.warnings.push(explain(moved.error));
      for (const claim of [...paper.ledger.claimsOf(vm.vm)]) followPin(paper, other, claim);
      const before = placement.kind === "placed" ? formatCpuList(placement.pcpus) : undefined;
      return ok(changed(`CPUs of vCPU ${vcpu} of VM ${vm.vm}`, before, formatCpuList(pcpus)));
    },
    { vms: new Map([[vm.vm, other]]) },
  );
}

/** Returns whether where a vCPU runs is looked for and not written down. */
function goesByPins({ sources }: Host, vm: Vm, vcpu: number): boolean {
  const first = sources.find((source) => source.live || source.pins(vm, vcpu).kind !== "unknown");
  return first?.live === true;
}

/** Returns the vCPUs that are known of: those with a place, a channel or a refusal. */
export function knownVcpus(host: Host, vm: Vm): readonly number[] {
  const known = new Set<number>(host.channels.of(vm.vm).map(({ index }) => index));
  for (const vcpu of vm.settings.pins.keys()) known.add(vcpu);
  const beyond = vm.placement(MAX_LISTED);
  if (beyond.kind === "absent") {
    // The VM's process tells how many there are.
    for (const vcpu of known) if (vcpu >= beyond.count) known.delete(vcpu);
    for (let vcpu = 0; vcpu < Math.min(beyond.count, MAX_LISTED); vcpu++) known.add(vcpu);
  }
  return [...known].sort((a, b) => a - b).slice(0, MAX_LISTED);
}

/** Says that there is no such VM, and which there are. */
export function noVm({ channels }: Host, name: string): Answer<never> {
  const known = [...channels.vms].map((one) => one.vm).sort();
  const instead = known.length === 0 ? "none is connected" : `there are ${known.slice(0, 20).join(", ")}`;
  return no("not-found", `There is no VM ${JSON.stringify(name)}; ${instead}.`);
}

const noVcpu = (name: string, vcpu: number, count: number) =>
  no("not-found", `VM ${JSON.stringify(name)} has no vCPU ${vcpu}; it has ${count}, counted from 0.`);
