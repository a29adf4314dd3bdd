// The four ways a whole machine sleeps, in users' words.

import type { PowerState } from "../../sysfs/power-state.ts";

export const SLEEP_TARGETS = ["mem", "disk", "hybrid", "freeze"] as const;
/** mem keeps the memory powered; disk writes it out; hybrid does both; freeze only idles everything. */
export type SleepTarget = (typeof SLEEP_TARGETS)[number];

/** Returns what the kernel lacks for `target`, as the middle of a sentence; undefined when it lacks nothing. */
export function lackingFor(target: SleepTarget, state: PowerState): string | undefined {
  const word = target === "hybrid" ? "disk" : target;
  if (!state.states.includes(word)) {
    const has = state.states.length === 0 ? "is empty or absent" : `says ${state.states.join(" ")}`;
    return `the kernel offers no "${word}": its power/state ${has}`;
  }
  if (word !== "disk") return undefined;
  // "[disabled]" stands there under lockdown and nohibernate. Source: kernel/power/hibernate.c, disk_show.
  if (state.disk === undefined || state.disk.current === "disabled")
    return "the kernel has hibernation turned off (power/disk says disabled)";
  if (target === "hybrid" && !state.disk.choices.includes("suspend"))
    return `power/disk offers no "suspend": it says ${state.disk.choices.join(" ")}`;
  return undefined;
}
