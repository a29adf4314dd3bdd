// A policy's words on a domain's table.

import { describe, expect, test } from "bun:test";
import { placeLevel } from "../../internal/rules/level.ts";
import { khz } from "../../internal/values/units.ts";

const TABLE = { steps: [2601, 2600, 2200, 1800, 1200].map((mhz) => khz(mhz * 1000)), nominal: 1 };

describe("placeLevel()", () => {
  test.each([
    ["min", false, 1_200_000],
    ["medium", false, 2_200_000],
    ["max", false, 2_600_000],
    ["max", true, 2_601_000],
    [khz(1_900_000), false, 2_200_000],
    [khz(100_000), false, 1_200_000],
    [khz(9_000_000), false, 2_600_000],
    [khz(9_000_000), true, 2_601_000],
  ] as const)("places %p with turbo %p at %p kHz", (level, turbo, expected) => {
    expect(placeLevel(TABLE, level, turbo)).toEqual({ khz: khz(expected), turbo });
  });
});
