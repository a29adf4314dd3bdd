// TIME on ordinary days and on the days when clocks are put forward and back.

import { describe, expect, test } from "bun:test";
import { time } from "../../internal/rules/time.ts";
import { UNDECIDED } from "../../internal/rules/rule.ts";
import { khz } from "../../internal/values/units.ts";
import { at, changes, changesByMinute, levelAt, span, timeRule } from "./rules.ts";

const WEEKDAYS = [1, 2, 3, 4, 5];

describe("time.evaluate()", () => {
  const day = timeRule(
    "Europe/Berlin",
    [span("08:30", "17:00", "max"), span("17:00", "18:15", khz(1_800_000))],
    "min",
  );

  test.each([
    ["2026-06-10T08:29:59+02:00", "min"],
    ["2026-06-10T08:30:00+02:00", "max"],
    ["2026-06-10T16:59:59+02:00", "max"],
    ["2026-06-10T17:00:00+02:00", khz(1_800_000)],
    ["2026-06-10T18:15:00+02:00", "min"],
    ["2026-12-10T08:30:00+01:00", "max"],
    ["2026-12-10T07:30:00Z", "max"],
    ["2026-06-10T07:30:00Z", "max"],
    ["2026-06-10T06:29:00Z", "min"],
  ] as const)("at %s says %s", (iso, level) => {
    expect(levelAt(day, iso)).toBe(level);
  });

  test("takes the first of two windows that hold", () => {
    const rule = timeRule("UTC", [span("10:00", "11:00", "min"), span("09:00", "12:00", "max")]);
    expect(levelAt(rule, "2026-06-10T10:30:00Z")).toBe("min");
    expect(levelAt(rule, "2026-06-10T11:30:00Z")).toBe("max");
  });

  test("leaves things as they are outside of all windows when there is no default", () => {
    const rule = timeRule("UTC", [span("10:00", "11:00", "min")]);
    expect(levelAt(rule, "2026-06-10T12:00:00Z")).toBeUndefined();
    const held = { level: "max", quiet: 0 } as const;
    expect(time.evaluate(rule, { now: at("2026-06-10T12:00:00Z") }, held).level).toBe("max");
  });

  test("counts a window past midnight to the weekday on which it starts", () => {
    const rule = timeRule("UTC", [span("22:00", "06:00", "max", [5])], "min");
    expect(levelAt(rule, "2026-06-12T21:59:00Z")).toBe("min"); // a Friday
    expect(levelAt(rule, "2026-06-12T22:00:00Z")).toBe("max");
    expect(levelAt(rule, "2026-06-13T05:59:00Z")).toBe("max");
    expect(levelAt(rule, "2026-06-13T06:00:00Z")).toBe("min");
    expect(levelAt(rule, "2026-06-13T22:00:00Z")).toBe("min");
    expect(levelAt(rule, "2026-06-12T05:00:00Z")).toBe("min");
  });

  test("keeps Sunday night on Monday morning", () => {
    const rule = timeRule("UTC", [span("23:00", "01:00", "max", [7])], "min");
    expect(levelAt(rule, "2026-06-15T00:30:00Z")).toBe("max"); // a Monday
    expect(levelAt(rule, "2026-06-16T00:30:00Z")).toBe("min");
  });

  test("reads weekdays on the zone's own calendar", () => {
    const rule = timeRule("Asia/Kolkata", [span("00:00", "24:00", "max", [1])], "min");
    expect(levelAt(rule, "2026-06-14T18:29:00Z")).toBe("min");
    expect(levelAt(rule, "2026-06-14T18:30:00Z")).toBe("max");
    expect(levelAt(rule, "2026-06-15T18:30:00Z")).toBe("min");
  });

  test("follows traffic in a traffic window, and holds what it had until a rate is known", () => {
    const rule = timeRule("UTC", [span("10:00", "11:00", "traffic")], "min");
    const now = at("2026-06-10T10:10:00Z");
    expect(time.watches(rule, now)).toBe("traffic");
    expect(time.watches(rule, at("2026-06-10T11:00:00Z"))).toBeUndefined();
    expect(time.evaluate(rule, { now }, { level: "min", quiet: 0 }).level).toBe("min");
    expect(time.evaluate(rule, { now, pps: 10_000 }, { level: "min", quiet: 0 }).level).toBe("max");
    expect(time.evaluate(rule, { now, pps: 9500 }, { level: "max", quiet: 0 }).level).toBe("max");
    expect(time.evaluate(rule, { now, pps: 9500 }, UNDECIDED).level).toBe("medium");
  });
});

describe("time.nextLook()", () => {
  test("is never when there is no window", () => {
    expect(time.nextLook(timeRule("UTC", [], "max"), 0)).toBeUndefined();
  });

  test("is the window's next start or end, at the full minute", () => {
    const rule = timeRule("UTC", [span("10:00", "11:00", "max")]);
    expect(time.nextLook(rule, at("2026-06-10T09:59:59.999Z"))).toBe(at("2026-06-10T10:00:00Z"));
    expect(time.nextLook(rule, at("2026-06-10T10:00:00Z"))).toBe(at("2026-06-10T11:00:00Z"));
    expect(time.nextLook(rule, at("2026-06-10T11:00:00Z"))).toBe(at("2026-06-11T10:00:00Z"));
  });

  test("is the moment a zone puts its clock forward when that comes first", () => {
    const rule = timeRule("Europe/Berlin", [span("05:00", "06:00", "max")]);
    expect(time.nextLook(rule, at("2026-03-29T00:30:00Z"))).toBe(at("2026-03-29T01:00:00Z"));
    expect(time.nextLook(rule, at("2026-03-29T01:00:00Z"))).toBe(at("2026-03-29T03:00:00Z"));
  });
});

describe("time around clock changes", () => {
  const CASES = [
    {
      what: "an hour that Berlin skips does not happen",
      rule: timeRule("Europe/Berlin", [span("02:00", "03:00", "max")], "min"),
      from: "2026-03-28T12:00:00Z",
      to: "2026-03-30T12:00:00Z",
      changes: ["2026-03-28T12:00Z min", "2026-03-30T00:00Z max", "2026-03-30T01:00Z min"],
    },
    {
      what: "a window over Berlin's gap is an hour shorter",
      rule: timeRule("Europe/Berlin", [span("01:30", "03:30", "max")], "min"),
      from: "2026-03-28T12:00:00Z",
      to: "2026-03-29T12:00:00Z",
      changes: ["2026-03-28T12:00Z min", "2026-03-29T00:30Z max", "2026-03-29T01:30Z min"],
    },
    {
      what: "an hour that Berlin repeats happens twice",
      rule: timeRule("Europe/Berlin", [span("02:15", "02:45", "max")], "min"),
      from: "2026-10-24T12:00:00Z",
      to: "2026-10-25T12:00:00Z",
      changes: [
        "2026-10-24T12:00Z min",
        "2026-10-25T00:15Z max",
        "2026-10-25T00:45Z min",
        "2026-10-25T01:15Z max",
        "2026-10-25T01:45Z min",
      ],
    },
    {
      what: "a working day in Berlin starts at half past eight on both sides of the change",
      rule: timeRule("Europe/Berlin", [span("08:30", "17:00", "max", WEEKDAYS)], "min"),
      from: "2026-10-23T00:00:00Z",
      to: "2026-10-27T00:00:00Z",
      changes: [
        "2026-10-23T00:00Z min",
        "2026-10-23T06:30Z max",
        "2026-10-23T15:00Z min",
        "2026-10-26T07:30Z max",
        "2026-10-26T16:00Z min",
      ],
    },
    {
      what: "New York skips from two to three",
      rule: timeRule("America/New_York", [span("02:30", "04:00", "max")], "min"),
      from: "2026-03-08T05:00:00Z",
      to: "2026-03-08T12:00:00Z",
      changes: ["2026-03-08T05:00Z min", "2026-03-08T07:00Z max", "2026-03-08T08:00Z min"],
    },
    {
      what: "New York's night shift is an hour longer in November",
      rule: timeRule("America/New_York", [span("22:00", "06:00", "max", [6])], "min"),
      from: "2026-10-31T12:00:00Z",
      to: "2026-11-01T18:00:00Z",
      changes: ["2026-10-31T12:00Z min", "2026-11-01T02:00Z max", "2026-11-01T11:00Z min"],
    },
    {
      what: "Lord Howe moves by half an hour",
      rule: timeRule("Australia/Lord_Howe", [span("01:45", "02:15", "max")], "min"),
      from: "2026-04-04T12:00:00Z",
      to: "2026-04-04T18:00:00Z",
      changes: [
        "2026-04-04T12:00Z min",
        "2026-04-04T14:45Z max",
        "2026-04-04T15:00Z min",
        "2026-04-04T15:15Z max",
        "2026-04-04T15:45Z min",
      ],
    },
    {
      what: "Kolkata has no clock changes and half an hour more",
      rule: timeRule("Asia/Kolkata", [span("09:00", "09:30", "max")], "min"),
      from: "2026-03-29T00:00:00Z",
      to: "2026-03-30T00:00:00Z",
      changes: ["2026-03-29T00:00Z min", "2026-03-29T03:30Z max", "2026-03-29T04:00Z min"],
    },
  ];

  test.each(CASES.map((row) => [row.what, row] as const))(
    "nextLook() finds every change when %s",
    (_what, row) => {
      expect(changes(row.rule, row.from, row.to)).toEqual(row.changes);
      expect(changesByMinute(row.rule, row.from, row.to)).toEqual(row.changes);
    },
  );

  test("nextLook() misses no change in a year of odd windows, in any zone", () => {
    const windows = [
      span("02:30", "02:59", "max"),
      span("23:10", "03:05", "medium", [6, 7]),
      span("12:00", "12:00", "min", [3]),
    ];
    for (const zone of [
      "Europe/Berlin",
      "America/New_York",
      "Australia/Lord_Howe",
      "Africa/Casablanca",
      "+05:45",
    ]) {
      const rule = timeRule(zone, windows, khz(2_000_000));
      const range = ["2026-02-01T00:00:00Z", "2026-04-20T00:00:00Z"] as const;
      expect(changes(rule, ...range)).toEqual(changesByMinute(rule, ...range));
    }
  });
});
