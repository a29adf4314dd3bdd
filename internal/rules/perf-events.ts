// A CPU's branches and their misses, counted by the kernel: raw MSRs belong to whoever else uses them.

import { closeSync, readSync } from "node:fs";
import { systemCall } from "../os/libc.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";

/** One kind of event. Source: include/uapi/linux/perf_event.h, enum perf_type_id and perf_hw_id. */
export interface PerfEvent {
  readonly type: number;
  readonly config: number;
}

/** PERF_TYPE_HARDWARE with PERF_COUNT_HW_BRANCH_INSTRUCTIONS and _BRANCH_MISSES. */
export const BRANCHES: PerfEvent = { type: 0, config: 4 };
const BRANCH_MISSES: PerfEvent = { type: 0, config: 5 };

/** Source: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const PERF_EVENT_OPEN: Readonly<Record<string, number>> = { x64: 298, arm64: 241 };
/** Fields of struct perf_event_attr that are set; the rest stays zero, so guests are counted too. Source: include/uapi/linux/perf_event.h. */
const ATTR = { type: 0, size: 4, config: 8, readFormat: 32, bytes: 64 };
const PERF_FORMAT_GROUP = 8;
const PERF_FLAG_FD_CLOEXEC = 8;
/** u64 nr, then one u64 for each event of the group. */
const READ_BYTES = 24;

/** What opening can fail with, told so that an operator knows what to do. */
const WHY: Readonly<Record<number, string>> = {
  1: "powermon may not use perf events (EPERM); it needs CAP_PERFMON or kernel.perf_event_paranoid = 0 or less",
  2: "this CPU or virtual machine has no counter for branches (ENOENT)",
  13: "powermon may not use perf events (EACCES); it needs CAP_PERFMON or kernel.perf_event_paranoid = 0 or less",
  16: "the counters are in use by somebody else (EBUSY)",
  19: "the CPU is offline or has no counters (ENODEV)",
  22: "there is no such CPU (EINVAL)",
  24: "too many files are open (EMFILE)",
  38: "this kernel has no perf events (ENOSYS)",
  95: "this CPU or virtual machine has no counter for branches (EOPNOTSUPP)",
};

/** Two events on one CPU, counted over all processes and guests since they were opened, and read together. */
export class PerfPair {
  readonly #fds: readonly [number, number];
  readonly #buffer = Buffer.alloc(READ_BYTES);

  constructor(fds: readonly [number, number]) {
    this.#fds = fds;
  }

  /** Returns both counts; undefined once the CPU is offline. */
  read(): { readonly first: number; readonly second: number } | undefined {
    try {
      if (readSync(this.#fds[0], this.#buffer, 0, READ_BYTES, null) !== READ_BYTES) return undefined;
    } catch {
      return undefined;
    }
    return {
      first: Number(this.#buffer.readBigUInt64LE(8)),
      second: Number(this.#buffer.readBigUInt64LE(16)),
    };
  }

  close(): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

/** Starts to count branches and their misses on `cpu`. The error is a sentence's end: why it can't be done here. Source: perf_event_open(2). */
export function openPerfPair(cpu: Pcpu, first = BRANCHES, second = BRANCH_MISSES): Result<PerfPair, string> {
  const leader = openEvent(first, cpu, -1);
  if (!leader.ok) return leader;
  const member = openEvent(second, cpu, leader.value);
  if (member.ok) return ok(new PerfPair([leader.value, member.value]));
  closeSync(leader.value);
  return member;
}

/** Returns why branches can't be counted on `cpu`, or undefined when they can: for `powermon check`. */
export function probeBranchCounters(cpu: Pcpu): string | undefined {
  const pair = openPerfPair(cpu);
  if (!pair.ok) return pair.error;
  pair.value.close();
  return undefined;
}

function openEvent(event: PerfEvent, cpu: Pcpu, group: number): Result<number, string> {
  const number = PERF_EVENT_OPEN[process.arch];
  if (number === undefined) return err(`powermon does not know perf events on ${process.arch}`);
  const attr = Buffer.alloc(ATTR.bytes);
  attr.writeUInt32LE(event.type, ATTR.type);
  attr.writeUInt32LE(ATTR.bytes, ATTR.size);
  attr.writeBigUInt64LE(BigInt(event.config), ATTR.config);
  attr.writeBigUInt64LE(BigInt(PERF_FORMAT_GROUP), ATTR.readFormat);
  try {
    const fd = systemCall(number, attr, -1, cpu, group, PERF_FLAG_FD_CLOEXEC);
    return fd >= 0 ? ok(fd) : err(WHY[-fd] ?? `perf_event_open failed with errno ${-fd}`);
  } catch (cause) {
    return err(`the C library can't be called: ${String(cause)}`);
  }
}
