// Rules and moments for the tests of policies.

import type { PolicyLevel, TimePolicy, TimeWindow, TrafficRule } from "../../internal/values/policy.ts";
import { time } from "../../internal/rules/time.ts";
import { UNDECIDED } from "../../internal/rules/rule.ts";

export const TRAFFIC: TrafficRule = {
  macs: [],
  interfaces: ["tap0"],
  mediumPps: 1000,
  maxPps: 10_000,
  fallPercent: 90,
};

/** Returns a TIME rule in `timeZone`. */
export function timeRule(
  timeZone: string,
  windows: readonly TimeWindow[],
  otherwise?: PolicyLevel,
): TimePolicy {
  return { type: "time", timeZone, windows, otherwise, traffic: TRAFFIC };
}

/** Returns a window from "HH:MM" to "HH:MM", every day unless `days` are given. */
export function span(
  from: string,
  to: string,
  level: TimeWindow["level"],
  days: readonly number[] = [1, 2, 3, 4, 5, 6, 7],
): TimeWindow {
  return { days, from: minutes(from), to: minutes(to), level };
}

/** Returns ms since 1970 of an ISO time with offset. */
export const at = (iso: string): number => Date.parse(iso);

/** Returns what `rule` says at `iso`, with nothing remembered. */
export function levelAt(rule: TimePolicy, iso: string): PolicyLevel | undefined {
  return time.evaluate(rule, { now: at(iso) }, UNDECIDED).level;
}

/** Returns every change of level between two times, found by following nextLook() alone: `UTC time level`. */
export function changes(rule: TimePolicy, from: string, to: string): string[] {
  const found: string[] = [];
  let last: PolicyLevel | undefined;
  let verdict = UNDECIDED;
  for (let now: number | undefined = at(from); now !== undefined && now < at(to);) {
    verdict = time.evaluate(rule, { now }, verdict);
    if (verdict.level !== last) found.push(`${new Date(now).toISOString().slice(0, 16)}Z ${verdict.level}`);
    last = verdict.level;
    now = time.nextLook(rule, now);
  }
  return found;
}

/** Returns the same by looking at every minute: slow and obvious. */
export function changesByMinute(rule: TimePolicy, from: string, to: string): string[] {
  const found: string[] = [];
  let last: PolicyLevel | undefined;
  let verdict = UNDECIDED;
  for (let now = at(from); now < at(to); now += 60_000) {
    verdict = time.evaluate(rule, { now }, verdict);
    if (verdict.level !== last) found.push(`${new Date(now).toISOString().slice(0, 16)}Z ${verdict.level}`);
    last = verdict.level;
  }
  return found;
}

function minutes(text: string): number {
  const [hour = 0, minute = 0] = text.split(":").map(Number);
  return hour * 60 + minute;
}
