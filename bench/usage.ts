// What a process costs in CPU time, memory and wake-ups.

import { readdirSync, readFileSync } from "node:fs";

/** What a process has used so far, all threads together. */
export interface Usage {
  /** Time on a CPU, in nanoseconds. */
  readonly cpuNs: number;
  /** Voluntary context switches: how often a thread went to sleep, hence how often one was woken. */
  readonly wakeups: number;
  /** Resident memory in KiB, of which anonymous. */
  readonly rssKib: number;
  readonly anonKib: number;
}

/**
 * Returns what process `pid` has used. Threads that ended are not counted; a server keeps its own.
 * Source: Documentation/scheduler/sched-stats.rst (schedstat: ns on CPU; utime's ticks of 10 ms are too coarse for idle).
 */
export function readUsage(pid: number): Usage {
  let cpuNs = 0;
  let wakeups = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const task = `/proc/${pid}/task/${thread}`;
    cpuNs += Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]);
    wakeups += field(readFileSync(`${task}/status`, "utf8"), "voluntary_ctxt_switches");
  }
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { cpuNs, wakeups, rssKib: field(status, "VmRSS"), anonKib: field(status, "RssAnon") };
}

/** Returns the first and the last CPU that this process may use, equal when there is one only. */
export function readCores(): { readonly first: string; readonly last: string } {
  const line = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const numbers = line.match(/\d+/g) ?? [];
  return { first: numbers[0] ?? "0", last: numbers.at(-1) ?? "0" };
}

function field(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status);
  if (match === null) throw new Error(`Cannot find "${name}" in a /proc status file`);
  return Number(match[1]);
}
