// Pinning read live from the QEMU process: what the kernel schedules by, so it is never out of date.

import { readdirSync, readFileSync } from "node:fs";
import { parseCpuList } from "../values/cpulist.ts";
import { type Pcpu, pcpu } from "../values/units.ts";
import { readAffinity } from "../os/libc.ts";
import type { Pins, PinSource, PinSubject } from "./pins.ts";

/** QEMU's names of vCPU threads with -name ...,debug-threads=on. Source: QEMU accel/kvm/kvm-accel-ops.c and accel/tcg. */
const VCPU_THREAD = /^CPU (\d{1,4})\/(?:KVM|TCG|HVF)$/;

/** A process's threads are listed at most this often, in ms: a guest must not make us read /proc all day. */
const RESCAN_MS = 1000;
/** A thread's name, which guards against a number that was used again, is believed this long, in ms. */
const NAME_MS = 5000;
/** Processes remembered at a time: more than a host has VMs. */
const MAX_PIDS = 4096;

interface Scan {
  readonly threads: ReadonlyMap<number, number>;
  readonly at: number;
}

/**
 * Returns the source that reads thread names and Cpus_allowed_list under `procRoot` (normally /proc).
 * @param now a clock that never goes back, in ms
 */
export function procPins(procRoot: string, now: () => number = () => performance.now()): PinSource {
  const scans = new Map<number, Scan>();
  // The system call is 20 times as fast as the file, which tests and containers may have elsewhere.
  const allowedOf = ({ threads }: Scan, pid: number, vcpu: number): readonly Pcpu[] | undefined => {
    const tid = threads.get(vcpu);
    if (tid === undefined) return undefined;
    const fast = procRoot === "/proc" ? readAffinity(tid)?.map(pcpu) : undefined;
    return fast ?? readAllowed(`${procRoot}/${pid}/task/${tid}/status`);
  };
  return {
    name: "proc",
    live: true,
    pins({ vm, pid }: PinSubject, vcpu: number): Pins {
      if (pid === undefined) return { kind: "unknown", why: "the process behind its channel is not known" };
      let scan = scans.get(pid);
      let allowed = scan && allowedOf(scan, pid, vcpu);
      const age = scan === undefined ? Infinity : now() - scan.at;
      if (age >= (allowed === undefined ? RESCAN_MS : NAME_MS)) {
        // First question, a vCPU plugged since, or a number that was used again: look at the threads anew.
        scan = { threads: readVcpuThreads(procRoot, pid), at: now() };
        if (scans.size >= MAX_PIDS) scans.clear();
        scans.set(pid, scan);
        allowed = allowedOf(scan, pid, vcpu);
      }
      if (allowed !== undefined) return { kind: "known", pcpus: allowed };
      const count = scan?.threads.size ?? 0;
      if (count > 0) return { kind: "absent", count };
      return {
        kind: "unknown",
        why: `process ${pid} at the other end of ${vm}'s channel has no threads called "CPU N/KVM"; start QEMU with -name ...,debug-threads=on, or give static pins`,
      };
    },
  };
}

/** Returns vCPU index -> thread id of the process `pid`; empty when it is gone or is no QEMU with named threads. */
export function readVcpuThreads(procRoot: string, pid: number): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const dir = `${procRoot}/${pid}/task`;
  for (const tid of listOrEmpty(dir)) {
    const match = VCPU_THREAD.exec(readOrEmpty(`${dir}/${tid}/comm`).trimEnd());
    if (match?.[1] !== undefined) found.set(Number(match[1]), Number(tid));
  }
  return found;
}

/** Returns the CPUs that the vCPU's thread may run on whose /proc status is `path`; undefined when it is gone. */
export function readAllowed(path: string): readonly Pcpu[] | undefined {
  const status = readOrEmpty(path);
  // The thread's own name guards against a thread id that was used again.
  if (!/^Name:\tCPU \d+\//m.test(status)) return undefined;
  const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(status)?.[1];
  const cpus = list === undefined ? undefined : parseCpuList(list);
  return cpus?.ok === true ? cpus.value.map(pcpu) : undefined;
}

/** Returns the names in a folder of /proc; none when it is gone. */
export function listOrEmpty(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Returns a file of /proc; empty when it is gone. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
