// What the host can do about sleeping.

import { all, ok, type Result } from "../../values/result.ts";
import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { type PowerState, readPowerState } from "../../sysfs/power-state.ts";
import { type ImageRoom, lacksRoom, readImageRoom } from "../../sysfs/image-room.ts";
import { findWakeClock } from "../../sysfs/wake-alarm.ts";
import { CONTROLLABLE, type Item, itemOf, uncontrollable } from "./item.ts";
import type { Can, Logind } from "../sleep/logind.ts";
import { lackingFor, SLEEP_TARGETS, type SleepTarget } from "../sleep/sleep-target.ts";

/** One way to sleep. */
interface SleepCapability extends Item {
  readonly target: SleepTarget;
  /** What the kernel says, whoever may use it. */
  readonly supported: boolean;
  /** mem: s2idle, shallow, deep. disk: how the machine goes off. */
  readonly choices?: readonly string[] | undefined;
  /** The choice in force. */
  readonly choice?: string | undefined;
  readonly logind?: Can | undefined;
}

/** The sleep states and the clock that ends them. */
export interface SleepCapabilities {
  readonly targets: readonly SleepCapability[];
  readonly wakeClock: Item & { readonly name?: string; readonly alarm?: number | undefined };
}

/** Reads how the host can sleep. Errors: as AttrDir.read. */
export function readSleepCapabilities(
  roots: MachineRoots,
  logind: Logind | undefined,
): Result<SleepCapabilities, SysfsError> {
  const read = all({
    state: readPowerState(roots.sysfsRoot),
    room: readImageRoom(roots),
    clock: findWakeClock(roots.sysfsRoot),
  });
  if (!read.ok) return read;
  const { state, room, clock } = read.value;
  const file = itemOf(`${roots.sysfsRoot}/power/state`);
  const targets = SLEEP_TARGETS.map((target): SleepCapability => {
    const lacking = lackingFor(target, state);
    const can = logind?.can[target];
    const choice = lacking === undefined ? choiceOf(target, state) : undefined;
    return {
      target,
      supported: lacking === undefined,
      ...(lacking === undefined ? mayUse(target, file, room, can) : uncontrollable(lacking)),
      choices: choice?.choices,
      choice: choice?.current,
      logind: can,
    };
  });
  if (!clock)
    return ok({ targets, wakeClock: uncontrollable("no real-time clock of this machine can wake it") });
  const alarm = clock.alarm();
  return ok({
    targets,
    wakeClock: {
      ...itemOf(`${clock.path}/wakealarm`),
      name: clock.name,
      alarm: alarm.ok ? alarm.value : undefined,
    },
  });
}

function choiceOf(target: SleepTarget, state: PowerState) {
  if (target === "mem") return state.memSleep;
  return target === "disk" ? state.disk : undefined;
}

/** logind knows policy and swap; without it the kernel's own files must do. */
function mayUse(target: SleepTarget, file: Item, room: ImageRoom, can: Can | undefined): Item {
  if (can === "yes" || can === "challenge") return CONTROLLABLE;
  if (can === "no") return uncontrollable("logind's policy says no");
  if (can === "na")
    return uncontrollable("logind says that this host can't (no room in swap, or turned off in sleep.conf)");
  const noRoom = target === "disk" || target === "hybrid" ? lacksRoom(room) : undefined;
  return noRoom === undefined ? file : uncontrollable(noRoom);
}
