// The alarm that ends a sleep, beside one that somebody else may have set.

import { err, ok, type Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import type { WakeClock } from "../../sysfs/wake-alarm.ts";
import type { Trip } from "./trip.ts";

/** What will wake the machine, looked at before anything is touched. */
export interface PlannedAlarm {
  readonly clock: WakeClock;
  /** Seconds from now to whichever alarm rings first. */
  readonly inS: number;
  /** Somebody else's alarm that stands, in the clock's seconds. */
  readonly theirs: number | undefined;
  /** True when theirs comes first: it stays, and ours is not set. */
  readonly isTheirs: boolean;
}

/** Looks which alarm would end a sleep of `inS` seconds. Errors: a sentence. */
export function planAlarm(clock: WakeClock, inS: number): Result<PlannedAlarm, string> {
  const now = clock.now();
  if (!now.ok) return err(explainSysfs(now.error));
  const stands = clock.alarm();
  if (!stands.ok) return err(explainSysfs(stands.error));
  const theirs = stands.value !== undefined && stands.value > now.value ? stands.value : undefined;
  const isTheirs = theirs !== undefined && theirs <= now.value + Math.ceil(inS);
  return ok({ clock, theirs, isTheirs, inS: isTheirs ? theirs - now.value : inS });
}

/** Returns the sentence that warns of somebody else's alarm; undefined when ours is the one. */
export const warnOfAlarm = ({ isTheirs, inS }: PlannedAlarm): string | undefined =>
  isTheirs ? `somebody else's wake alarm stands ${inS} s from now: the host wakes then` : undefined;

/**
 * Sets the alarm, last of all before the sleep: one that rings sooner would find the machine awake, and nothing would wake it then.
 * Returns the second of the clock at which it rings. Errors: a sentence.
 */
export function armAlarm(clock: WakeClock, inS: number, trip: Trip): Result<number, string> {
  // Somebody may have set another meanwhile.
  const planned = planAlarm(clock, inS);
  if (!planned.ok) return planned;
  const { theirs, isTheirs } = planned.value;
  if (isTheirs) return ok(theirs as number);
  const now = clock.now();
  if (!now.ok) return err(explainSysfs(now.error));
  const at = now.value + Math.ceil(inS);
  const noted = trip.note({ alarm: { clock: clock.name, at, ...(theirs !== undefined && { theirs }) } });
  const done = noted.ok ? clock.arm(at) : noted;
  if (!done.ok) return err(explainSysfs(done.error));
  const stands = clock.alarm();
  if (!stands.ok) return err(explainSysfs(stands.error));
  return stands.value === undefined ? err(`${clock.name} did not keep the alarm that was set`) : ok(at);
}
