// A policy's rule in words: whoever set it reads at once whether it says what was meant.

import type { PolicyRule, TimePolicy, TimeWindow, TrafficRule } from "../../../internal/values/policy.ts";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** What a rule has to have to be told in words: a powermon of another version may tell others. */
const WHOLE: Readonly<Record<PolicyRule["type"], readonly string[]>> = {
  time: ["windows", "traffic"],
  traffic: ["traffic"],
  workload: ["workload"],
  "branch-ratio": ["threshold", "quietSamples"],
};

/** Returns the rule as a sentence's part; one that is not known here as JSON. @param rule as a report has it */
export function ruleText(rule: object): string {
  const known = rule as PolicyRule;
  const needs = WHOLE[known.type];
  if (needs === undefined || !needs.every((key) => key in rule)) return JSON.stringify(rule);
  switch (known.type) {
    case "time":
      return timeText(known);
    case "traffic":
      return trafficText(known.traffic);
    case "workload":
      return `always ${{ high: "max", medium: "medium", low: "min" }[known.workload]}`;
    case "branch-ratio":
      return `max when more than ${percent(known.threshold)} % of branches miss, min after ${known.quietSamples} samples that don't`;
  }
}

function timeText({ windows, otherwise, timeZone, traffic }: TimePolicy): string {
  const rest = otherwise === undefined ? "at other times as it is" : `at other times ${otherwise}`;
  const zone = timeZone === undefined ? "the host's time" : timeZone;
  const listens = windows.some(({ level }) => level === "traffic")
    ? `; traffic: ${trafficText(traffic)}`
    : "";
  return `${[...windows.map(windowText), rest].join(", ")} (${zone})${listens}`;
}

function windowText({ days, from, to, level }: TimeWindow): string {
  const by = level === "traffic" ? "by traffic" : `${level}`;
  return `${daysText(days)}${clock(from)} to ${clock(to)} ${by}`;
}

/** Nothing for the whole week; neighbours are told as a span. */
function daysText(days: readonly number[]): string {
  if (days.length >= 7 || days.length === 0) return "";
  const spans: [number, number][] = [];
  for (const day of [...days].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === day - 1) last[1] = day;
    else spans.push([day, day]);
  }
  const name = (day: number) => DAYS[day - 1] ?? `${day}`;
  return `${spans.map(([a, b]) => (a === b ? name(a) : `${name(a)}-${name(b)}`)).join(",")} `;
}

function trafficText({ macs, interfaces, mediumPps, maxPps, fallPercent }: TrafficRule): string {
  const whom = [...interfaces, ...macs].join(", ") || "no interface";
  return `medium from ${mediumPps} packets/s on ${whom}, max from ${maxPps}, back below ${fallPercent} % of these`;
}

function clock(minutes: number): string {
  const two = (n: number) => `${n}`.padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function percent(share: number): number {
  return Math.round(share * 1e6) / 1e4;
}
