// How long the vCPUs of each VM ran, and where: the threads of its QEMU.

import { readOrEmpty } from "../../pinning/proc.ts";
import type { RunningVm } from "../running-vms.ts";
import { type Pcpu, pcpu } from "../../values/units.ts";

/** One thread's time since it began. */
interface ThreadTime {
  readonly ms: number;
  /** The CPU that it runs on, or ran on last. */
  readonly cpu: Pcpu;
}

/** Times of all threads of a VM's vCPUs, by thread id. */
export type VmTime = ReadonlyMap<number, ThreadTime>;

/** Reads the times of a VM's vCPUs' threads; none of a QEMU without named threads. Source: Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat; proc(5), stat, field 39. */
export function readVmTime(procRoot: string, { pid, threads }: RunningVm): VmTime {
  const times = new Map<number, ThreadTime>();
  for (const tid of threads.values()) {
    const dir = `${procRoot}/${pid}/task/${tid}`;
    const ns = /^(\d{1,19}) /.exec(readOrEmpty(`${dir}/schedstat`))?.[1];
    const stat = readOrEmpty(`${dir}/stat`);
    // The name in brackets may hold blanks and brackets; field 3 comes after the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const cpu = Number(fields[36]);
    if (ns !== undefined && Number.isInteger(cpu)) times.set(tid, { ms: Number(ns) / 1e6, cpu: pcpu(cpu) });
  }
  return times;
}

/**
 * Returns the milliseconds that a VM's vCPUs ran between two looks, by CPU. A thread that has moved counts half for either CPU: where it was
 * in between is not known. One that began in between is left out.
 */
export function usedBetween(from: VmTime, to: VmTime): ReadonlyMap<Pcpu, number> {
  const used = new Map<Pcpu, number>();
  for (const [tid, { ms, cpu }] of to) {
    const before = from.get(tid);
    if (before === undefined || ms < before.ms) continue;
    for (const place of [before.cpu, cpu]) used.set(place, (used.get(place) ?? 0) + (ms - before.ms) / 2);
  }
  return used;
}
