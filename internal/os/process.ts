// Which process is meant by a number, and whether it will ever run again. Processes are the machine's own, whatever --proc-root stands for.

import { readFileSync } from "node:fs";

/** Returns when process `pid` started, in clock ticks after boot; undefined when it is not there. Source: proc(5), /proc/PID/stat, field 22. */
export function startTimeOf(pid: number): string | undefined {
  const stat = readProc(`${pid}/stat`);
  // The name in brackets may hold blanks and brackets; field 3 comes after the last one.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/**
 * Returns whether process `pid` has been sent SIGKILL and is still there: it waits in the kernel for a call that does not return, and runs
 * no step of its own any more. Source: proc(5), /proc/PID/status, SigPnd and ShdPnd; signal(7).
 */
export function isBeingKilled(pid: number): boolean {
  const pending = readProc(`${pid}/status`)?.matchAll(/^S[ih][gd]Pnd:\s*([\da-f]{1,16})$/gm) ?? [];
  return [...pending].some(([, mask = ""]) => (BigInt(`0x${mask}`) & SIGKILL_BIT) !== 0n);
}

/** Returns the id of this boot; empty where /proc does not tell. */
export const readBootId = (): string => readProc("sys/kernel/random/boot_id")?.trim() ?? "";

/** SIGKILL is 9, and the first signal has bit 0. Source: asm-generic/signal.h. */
const SIGKILL_BIT = 1n << 8n;

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return undefined;
  }
}
