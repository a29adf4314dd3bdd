// TRAFFIC: thresholds, and a rate at the edge that must not flap.

import { describe, expect, test } from "bun:test";
import { followTraffic, traffic } from "../../internal/rules/traffic.ts";
import { UNDECIDED } from "../../internal/rules/rule.ts";
import { TRAFFIC } from "./rules.ts";

describe("followTraffic()", () => {
  test.each([
    [0, undefined, "min"],
    [999, undefined, "min"],
    [1000, undefined, "medium"],
    [9999, "min", "medium"],
    [10_000, "min", "max"],
    [10_000, undefined, "max"],
    [9000, "max", "max"],
    [8999, "max", "medium"],
    [900, "max", "medium"],
    [900, "medium", "medium"],
    [899, "medium", "min"],
    [899, "max", "min"],
    [900, "min", "min"],
    [9000, "medium", "medium"],
    [undefined, "max", "max"],
    [undefined, undefined, undefined],
  ] as const)("at %p packets per second, held %p, says %p", (pps, held, level) => {
    expect(followTraffic(TRAFFIC, pps, held)).toBe(level);
  });

  test("falls at the threshold itself when fallPercent is 100", () => {
    expect(followTraffic({ ...TRAFFIC, fallPercent: 100 }, 9999, "max")).toBe("medium");
  });
});

describe("traffic.evaluate()", () => {
  test("changes once when the rate swings about a threshold by less than the hysteresis", () => {
    let verdict = UNDECIDED;
    let changed = 0;
    for (let i = 0; i < 100; i++) {
      const next = traffic.evaluate(
        { type: "traffic", traffic: TRAFFIC },
        { now: 0, pps: i % 2 === 0 ? 10_050 : 9_100 },
        verdict,
      );
      if (next.level !== verdict.level) changed++;
      verdict = next;
    }
    expect(changed).toBe(1);
    expect(verdict.level).toBe("max");
  });
});
