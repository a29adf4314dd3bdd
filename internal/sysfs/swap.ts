// Room for a hibernation image: free swap.

import { ok, type Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { readText } from "./attr.ts";

/** Returns the free swap in kB from the text of /proc/swaps: 0 without any; zram is memory itself and doesn't count. */
export function parseFreeSwapKb(text: string): number {
  let free = 0;
  for (const line of text.split("\n").slice(1)) {
    const [path = "", , size, used] = line.split(/\s+/);
    if (path === "" || path.startsWith("/dev/zram")) continue;
    free += Math.max(0, Number(size) - Number(used)) || 0;
  }
  return free;
}

/** Reads how much swap is free, kB; undefined on a kernel without swap. Source: Documentation/admin-guide/pm/sleep-states.rst, hibernation. */
export function readFreeSwapKb(procRoot: string): Result<number | undefined, SysfsError> {
  const text = readText(`${procRoot}/swaps`);
  return text.ok && text.value !== undefined
    ? ok(parseFreeSwapKb(text.value))
    : (text as Result<undefined, SysfsError>);
}
