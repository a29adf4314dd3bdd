// How long each CPU was busy, from /proc/stat.

import { err, ok, type Result } from "../values/result.ts";
import { type Pcpu, pcpu } from "../values/units.ts";
import { notUnderstood, type SysfsError } from "../values/sysfs-error.ts";
import { absent, readText } from "./attr.ts";

/** Returns the busy ticks (USER_HZ, 100 a second) of every online CPU: all but idle, iowait and steal; guest time is in user time already. Source: Documentation/filesystems/proc.rst, 1.8. */
export function parseBusyTicks(text: string): ReadonlyMap<Pcpu, number> {
  const busy = new Map<Pcpu, number>();
  for (const line of text.split("\n")) {
    const words = /^cpu(\d{1,5}) ([\d ]+)$/.exec(line);
    if (!words) continue;
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (words[2] ?? "")
      .split(" ")
      .map(Number);
    busy.set(pcpu(Number(words[1])), user + nice + system + irq + softirq);
  }
  return busy;
}

/** Reads the busy ticks of every online CPU from `procRoot`/stat. Errors: ENOENT, EINVAL when it names no CPU. */
export function readBusyTicks(procRoot: string): Result<ReadonlyMap<Pcpu, number>, SysfsError> {
  const path = `${procRoot}/stat`;
  const text = readText(path);
  if (!text.ok) return text;
  if (text.value === undefined) return err(absent(path));
  const busy = parseBusyTicks(text.value);
  return busy.size > 0 ? ok(busy) : err(notUnderstood(path, text.value.slice(0, 80)));
}

/** USER_HZ, the same on every machine that is met. */
const TICKS_A_MS = 0.1;

/** Returns how much of `ms` each CPU was busy between two readings, 0 to 1; one that came meanwhile is left out. */
export function busyShares(
  before: ReadonlyMap<Pcpu, number>,
  after: ReadonlyMap<Pcpu, number>,
  ms: number,
): ReadonlyMap<Pcpu, number> {
  const shares = new Map<Pcpu, number>();
  for (const [cpu, ticks] of after) {
    const was = before.get(cpu);
    if (was !== undefined && ms > 0)
      shares.set(cpu, Math.min(1, Math.max(0, (ticks - was) / (ms * TICKS_A_MS))));
  }
  return shares;
}
