// How often a process without work is woken: the runtime's own timer for garbage does it each second, where it is not switched off.

import { readFileSync } from "node:fs";

/** Long enough for the timer to be due twice, in ms. */
const IDLE_MS = 2500;

export default async function idle() {
  const wakes = () =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  await after(300);
  const before = wakes();
  await after(IDLE_MS);
  return { wakes: wakes() - before };
}
