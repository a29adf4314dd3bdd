// TIME: the clock on the wall decides. Source: DPDK examples/vm_power_manager/channel_monitor.c, apply_time_profile.

import type { TimePolicy, TimeWindow } from "../policy.ts";
import type { Profile } from "./profile.ts";
import { followTraffic } from "./traffic.ts";

const DAY = 24 * 60;
const MINUTE_MS = 60_000;

/**
 * What the local clock shows is what counts: an hour that summer time skips does not happen, one that it repeats happens twice.
 */
export const time: Profile<TimePolicy> = {
  watches: (rule, now) => (windowAt(rule, now)?.level === "traffic" ? "traffic" : undefined),

  /** The next time the local clock shows the start or end of a window, or is put forward or back. */
  nextLook(rule, now) {
    if (rule.windows.length === 0) return undefined;
    const local = localTime(rule.timeZone, now);
    const minute = minuteOf(local);
    const ahead = rule.windows.flatMap(({ from, to }) => [from, to]).map((at) => minutesUntil(minute, at));
    const boundary = Math.floor(now / MINUTE_MS) * MINUTE_MS + Math.min(...ahead) * MINUTE_MS;
    const turned = local.getTimeZoneTransition("next")?.epochMilliseconds ?? Infinity;
    return Math.min(boundary, turned);
  },

  evaluate(rule, { now, pps }, before) {
    const window = windowAt(rule, now);
    const level = window === undefined ? rule.otherwise : window.level;
    if (level === "traffic") return { level: followTraffic(rule.traffic, pps, before.level), quiet: 0 };
    return { level: level ?? before.level, quiet: 0 };
  },
};

/** Returns the first window that holds at `now`, ms since 1970. */
function windowAt(rule: TimePolicy, now: number): TimeWindow | undefined {
  const local = localTime(rule.timeZone, now);
  const minute = minuteOf(local);
  const today = local.dayOfWeek;
  const yesterday = today === 1 ? 7 : today - 1;
  return rule.windows.find(({ days, from, to }) => {
    if (from < to) return days.includes(today) && minute >= from && minute < to;
    return (days.includes(today) && minute >= from) || (days.includes(yesterday) && minute < to);
  });
}

function localTime(timeZone: string, now: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone);
}

const minuteOf = (local: Temporal.ZonedDateTime): number => local.hour * 60 + local.minute;

/** From 1 to a day: the minute that is now is a day ahead. */
const minutesUntil = (minute: number, at: number): number => ((at - minute - 1 + 2 * DAY) % DAY) + 1;
