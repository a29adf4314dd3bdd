// Who has a port open, for the sentence that says it is busy.

import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** A process that has a file open. */
export interface Holder {
  readonly pid: number;
  /** Its command name, at most 15 characters. Source: Documentation/filesystems/proc.rst, /proc/PID/comm. */
  readonly name: string;
}

/**
 * Returns the first process that has `path` open, or undefined when none is visible (another user's fds need root).
 * @param procRoot stands for /proc
 */
export function holderOf(path: string, procRoot = "/proc"): Holder | undefined {
  const target = attempt(() => realpathSync(path));
  if (target === undefined) return undefined;
  for (const entry of attempt(() => readdirSync(procRoot)) ?? []) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const folder = `${procRoot}/${entry}/fd`;
    const fds = attempt(() => readdirSync(folder)) ?? [];
    if (!fds.some((fd) => attempt(() => readlinkSync(`${folder}/${fd}`)) === target)) continue;
    const name =
      attempt(() => readFileSync(`${procRoot}/${entry}/comm`, "utf8").trim()) ?? "a program that just ended";
    return { pid: Number(entry), name };
  }
  return undefined;
}

/** A process may end, or forbid a look, at any moment: both are "not this one". */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
