import { describe, expect, test } from "bun:test";
import { type FrequencyTable, medium, move, roundUp, type Step } from "../../internal/values/frequency.ts";
import { khz } from "../../internal/values/units.ts";

const steps = [2601000, 2600000, 2000000, 1400000, 800000].map(khz);
const turbo: FrequencyTable = { steps, nominal: 1 };
const plain: FrequencyTable = { steps: steps.slice(1), nominal: 0 };

describe("move()", () => {
  test.each([
    ["up by one entry", turbo, 1400000, false, "up", 2000000, false],
    ["up no further than nominal", turbo, 2600000, false, "up", 2600000, false],
    ["up into turbo when it is on", turbo, 2600000, true, "up", 2601000, true],
    ["down by one entry", turbo, 2000000, false, "down", 1400000, false],
    ["down no further than the lowest", turbo, 800000, false, "down", 800000, false],
    ["max to nominal", turbo, 800000, false, "max", 2600000, false],
    ["max to turbo when it is on", turbo, 800000, true, "max", 2601000, true],
    ["max to the first of a table without turbo", plain, 800000, false, "max", 2600000, false],
    ["min to the last", plain, 2600000, false, "min", 800000, false],
    ["turbo-on to the top", turbo, 800000, false, "turbo-on", 2601000, true],
    ["turbo-off out of turbo", turbo, 2601000, true, "turbo-off", 2600000, false],
    ["turbo-off where it is when below turbo", turbo, 1400000, true, "turbo-off", 1400000, false],
    ["from a place between entries as the kernel rounds it", plain, 1500000, false, "up", 2600000, false],
  ] as const)("leads %s", (_, table, from, on, step, to, then) => {
    expect(move(table, { khz: khz(from), turbo: on }, step as Step)).toEqual({ khz: khz(to), turbo: then });
  });
});

test.each([
  [1, 800000],
  [800000, 800000],
  [800001, 1400000],
  [2600000, 2600000],
  [9000000, 2600000],
])("roundUp() takes %d to %d", (wanted, entry) => {
  expect(roundUp(plain, khz(wanted))).toBe(khz(entry));
});

test("medium() is the entry at half the count", () => {
  expect([medium(turbo), medium(plain)]).toEqual([khz(2000000), khz(1400000)]);
});
