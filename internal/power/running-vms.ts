// Which VMs run here and on which CPUs, told by their QEMU processes.

import { listOrEmpty, readAllowed, readOrEmpty, readVcpuThreads } from "../pinning/proc.ts";
import type { Pcpu } from "../values/units.ts";

/** A running VM. */
export interface RunningVm {
  readonly vm: string;
  readonly pid: number;
  /** Where each vCPU's thread may run, by vCPU; empty for a QEMU without named threads. */
  readonly vcpus: ReadonlyMap<number, readonly Pcpu[]>;
  /** The threads of its vCPUs, by vCPU. */
  readonly threads: ReadonlyMap<number, number>;
}

/** Returns the VMs whose QEMU runs, by name. Processes that end meanwhile are left out. */
export function findRunningVms(procRoot: string): RunningVm[] {
  const found: RunningVm[] = [];
  for (const pid of listOrEmpty(procRoot)) {
    if (!/^\d+$/.test(pid) || !/qemu|kvm/i.test(readOrEmpty(`${procRoot}/${pid}/comm`))) continue;
    const words = readOrEmpty(`${procRoot}/${pid}/cmdline`).split("\0");
    const vm = nameIn(words);
    if (vm === undefined) continue;
    const threads = readVcpuThreads(procRoot, Number(pid));
    found.push({ vm, pid: Number(pid), threads, vcpus: readVcpus(procRoot, Number(pid), threads) });
  }
  return found.sort((a, b) => a.vm.localeCompare(b.vm));
}

/**
 * Returns the CPUs that the VM's vCPUs are pinned to, ascending: those of the threads that may not run everywhere.
 * @param online the CPUs of the machine: a thread that may run on all of them is not pinned
 */
export function pinnedCpus(vm: RunningVm, online: readonly Pcpu[]): Pcpu[] {
  const cpus = new Set<Pcpu>();
  for (const allowed of vm.vcpus.values()) {
    if (online.every((cpu) => allowed.includes(cpu))) continue;
    for (const cpu of allowed) if (online.includes(cpu)) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

/** Returns the VM's name in `-name NAME` or `-name guest=NAME,...`; QEMU doubles a comma within it. */
export function nameIn(words: readonly string[]): string | undefined {
  const value = words[words.findIndex((word) => word === "-name" || word === "--name") + 1];
  if (value === undefined || !words.some((word) => word === "-name" || word === "--name")) return undefined;
  const parts = value.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(",,", ","));
  const named = parts.find((part) => part.startsWith("guest="))?.slice("guest=".length);
  return named ?? (parts[0]?.includes("=") ? undefined : parts[0]);
}

function readVcpus(
  procRoot: string,
  pid: number,
  threads: ReadonlyMap<number, number>,
): Map<number, readonly Pcpu[]> {
  const vcpus = new Map<number, readonly Pcpu[]>();
  for (const [vcpu, tid] of threads) {
    const allowed = readAllowed(`${procRoot}/${pid}/task/${tid}/status`);
    if (allowed !== undefined) vcpus.set(vcpu, allowed);
  }
  return vcpus;
}
