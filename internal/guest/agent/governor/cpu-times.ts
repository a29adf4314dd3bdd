// How busy each CPU was, from the kernel's own count; a CPU that waits for disks is not.

import { readFileSync } from "node:fs";
import { errorCode } from "../../../os/error-code.ts";

/** A CPU's time since boot, in USER_HZ ticks (1/100 s): at work, and with nothing to do. */
export interface CpuTimes {
  readonly busy: number;
  readonly idle: number;
}

/**
 * Returns the times by CPU number of the text of /proc/stat; offline CPUs have no line.
 * Waiting for I/O is idle time; stolen time is neither, for the CPU did not have it; guest time stands in user and nice already and
 * is not counted twice. Source: Documentation/filesystems/proc.rst, /proc/stat; kernel/sched/cputime.c, account_guest_time().
 */
export function parseCpuTimes(text: string): ReadonlyMap<number, CpuTimes> {
  const times = new Map<number, CpuTimes>();
  for (const line of text.split("\n")) {
    const match = /^cpu(\d+) (.*)$/.exec(line);
    if (match === null) {
      // The lines of the CPUs stand first.
      if (times.size > 0) break;
      continue;
    }
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = (match[2] ?? "")
      .split(" ")
      .map(Number);
    times.set(Number(match[1]), { busy: user + nice + system + irq + softirq, idle: idle + iowait });
  }
  return times;
}

/** Returns the times of all online CPUs now; none when they can't be read. @param procRoot stands for /proc */
export function readCpuTimes(procRoot: string): ReadonlyMap<number, CpuTimes> {
  try {
    return parseCpuTimes(readFileSync(`${procRoot}/stat`, "utf8"));
  } catch (error) {
    errorCode(error);
    return new Map();
  }
}

/** Returns the share of the time between two readings that a CPU was busy, 0 to 1; undefined when too little time passed. Both counts may run backwards a little. */
export function busyShare(before: CpuTimes, after: CpuTimes): number | undefined {
  const busy = Math.max(0, after.busy - before.busy);
  const idle = Math.max(0, after.idle - before.idle);
  return busy + idle < MIN_TICKS ? undefined : busy / (busy + idle);
}

/** Fewer ticks than these tell nothing: one of them is a whole third. */
const MIN_TICKS = 3;
