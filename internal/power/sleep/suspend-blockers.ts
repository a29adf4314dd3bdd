// What speaks against a suspend: running VMs, claims, inhibitors, no way to wake.

import type { WakeClock } from "../../sysfs/wake-alarm.ts";
import { writeAccess } from "../../sysfs/access.ts";
import type { PowerState } from "../../sysfs/power-state.ts";
import { type ImageRoom, lacksRoom, leastImageS } from "../../sysfs/image-room.ts";
import type { Logind } from "./logind.ts";
import { lackingFor, type SleepTarget } from "./sleep-target.ts";

/** One thing that speaks against it. */
export interface Blocker {
  /** kernel and wake-clock: it can't be done here. The others: it should not be done now. */
  readonly kind:
    "kernel" | "wake-clock" | "wake-time" | "swap" | "rights" | "policy" | "inhibitor" | "vm" | "libvirt";
  /** A sentence without a full stop. */
  readonly what: string;
  /** True when --force passes it. */
  readonly forceable: boolean;
}

/** What is looked at. */
export interface Situation {
  readonly target: SleepTarget;
  readonly state: PowerState;
  /** The file to write. */
  readonly statePath: string;
  readonly room: ImageRoom;
  /** Undefined when no clock can wake the machine. */
  readonly clock: WakeClock | undefined;
  /** Seconds to the alarm; undefined for a sleep that somebody else is to end. */
  readonly wakeInS: number | undefined;
  readonly logind: Logind | undefined;
  /** Running VMs that nothing was prepared for, and how many claims each has (undefined when nobody knows). */
  readonly vms: readonly { readonly vm: string; readonly claims?: number | undefined }[];
}

/** Returns everything that speaks against a suspend, what can't be passed first. */
export function blockersOf(now: Situation): Blocker[] {
  const found: Blocker[] = [];
  const add = (kind: Blocker["kind"], what: string, forceable = false) =>
    found.push({ kind, what, forceable });
  const lacking = lackingFor(now.target, now.state);
  if (lacking !== undefined) add("kernel", lacking);
  if (now.state.test !== undefined)
    add("policy", `the kernel only tests sleep now: power/pm_test says ${now.state.test}, not none`);
  if (now.wakeInS !== undefined && !now.clock)
    add(
      "wake-clock",
      "no real-time clock of this machine can wake it; --wake none sleeps until somebody else does",
    );
  const can = now.logind?.can[now.target];
  const disk = now.target === "disk" || now.target === "hybrid";
  const noRoom = disk && lacking === undefined && can === undefined ? lacksRoom(now.room) : undefined;
  if (noRoom !== undefined) add("swap", noRoom);
  const least = leastImageS(now.room);
  if (disk && noRoom === undefined && now.wakeInS !== undefined && now.wakeInS < least)
    add(
      "wake-time",
      `the alarm may ring before the memory's image is written, and then nothing wakes the host: ${Math.floor(now.wakeInS)} s, and ${least} s is the least here`,
      true,
    );
  if (can === "na") add("policy", "logind says that this host can't");
  if (can === "no") add("policy", "logind's policy says no", true);
  if (lacking === undefined && can === undefined && writeAccess(now.statePath) !== "writable")
    add("rights", `${now.statePath} may not be written; run as root`);
  for (const { who, why, mode, pid } of now.logind?.inhibitors ?? [])
    if (mode.startsWith("block")) add("inhibitor", `${who} (process ${pid}) inhibits sleep: ${why}`, true);
  for (const { vm, claims } of now.vms) {
    const has = claims === undefined ? "" : ` and has ${claims} ${claims === 1 ? "claim" : "claims"}`;
    add("vm", `VM ${vm} runs${has}`, true);
  }
  return found;
}
