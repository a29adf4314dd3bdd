// Files that may be open at a time: who has to do without, before clocks can't be set and originals can't be saved.

import { readFileSync } from "node:fs";

/** Parts of the limit that are kept from each: operators leave room for guests, and both for the files of sysfs and of our own. */
const KEPT = { operator: 1 / 4, guest: 1 / 8 } as const;

let limit: number | undefined;

/**
 * Returns whether a connection with the file descriptor `fd` comes too close to the limit. The kernel gives the lowest number that is
 * free, so as many files are open at least. Source: open(2), socket(2), accept(2).
 * @param fd undefined where it can't be told: then it does not
 */
export function isPastRoom(fd: number | undefined, whose: keyof typeof KEPT): boolean {
  limit ??= readLimit();
  return fd !== undefined && fd >= Math.ceil(limit * (1 - KEPT[whose]));
}

/** Source: proc(5), /proc/PID/limits; getrlimit(2), RLIMIT_NOFILE. */
function readLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
