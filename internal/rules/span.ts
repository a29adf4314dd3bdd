// Spans of the local clock, for policies and for the host's own schedule.
// What the local clock shows is what counts: an hour that summer time skips does not happen, one that it repeats happens twice.

import { ownZone } from "../os/time-zone.ts";
import type { TimeSpan } from "../values/policy.ts";

const DAY = 24 * 60;
const MINUTE_MS = 60_000;

/**
 * Returns the first span that holds at `now`, ms since 1970.
 * @param timeZone undefined for the host's own
 */
export function spanAt<T extends TimeSpan>(
  timeZone: string | undefined,
  spans: readonly T[],
  now: number,
): T | undefined {
  const local = localTime(timeZone, now);
  const minute = minuteOf(local);
  const today = local.dayOfWeek;
  const yesterday = today === 1 ? 7 : today - 1;
  return spans.find(({ days, from, to }) => {
    if (from < to) return days.includes(today) && minute >= from && minute < to;
    return (days.includes(today) && minute >= from) || (days.includes(yesterday) && minute < to);
  });
}

/** Returns the next time the local clock shows the start or end of a span, or is put forward or back; undefined without spans. */
export function nextEdge(
  timeZone: string | undefined,
  spans: readonly TimeSpan[],
  now: number,
): number | undefined {
  if (spans.length === 0) return undefined;
  const local = localTime(timeZone, now);
  const minute = minuteOf(local);
  const ahead = spans.flatMap(({ from, to }) => [from, to]).map((at) => minutesUntil(minute, at));
  const boundary = Math.floor(now / MINUTE_MS) * MINUTE_MS + Math.min(...ahead) * MINUTE_MS;
  const turned = local.getTimeZoneTransition("next")?.epochMilliseconds ?? Infinity;
  return Math.min(boundary, turned);
}

function localTime(timeZone: string | undefined, now: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone ?? ownZone());
}

const minuteOf = (local: Temporal.ZonedDateTime): number => local.hour * 60 + local.minute;

/** From 1 to a day: the minute that is now is a day ahead. */
const minutesUntil = (minute: number, at: number): number => ((at - minute - 1 + 2 * DAY) % DAY) + 1;
