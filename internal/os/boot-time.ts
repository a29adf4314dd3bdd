// Time since the machine started that also passes while it sleeps: what was promised until a moment ends at that moment.

import { readFileSync } from "node:fs";

/** Returns ms since the start of the machine, sleep included, to 10 ms. Source: proc_uptime(5), CLOCK_BOOTTIME. Throws where there is no /proc. */
export function bootMs(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ", 1)[0]) * 1000;
}
