// Two programs' wishes must be ordered as the clock would be, whether the host tells its frequencies or not.

import { expect, test } from "bun:test";
import {
  compare,
  type HostTable,
  inSteps,
  khzWish,
  moved,
  orders,
  same,
  type Wish,
} from "../../../internal/guest/agent/wish.ts";
import type { Step } from "../../../internal/values/frequency.ts";
import { khz } from "../../../internal/values/units.ts";

/** One turbo frequency above three others. */
const TABLE: HostTable = { steps: [3001, 3000, 2000, 1000].map(khz), nominal: 1, turboAtStart: false };
/** The same of a host whose steps start with turbo. */
const BOOSTED: HostTable = { ...TABLE, turboAtStart: true };

function walk(table: HostTable | undefined, ...steps: readonly Step[]): Wish {
  let wish: Wish | undefined;
  for (const step of steps) wish = moved(table, wish, step);
  if (wish === undefined) throw new Error("no steps");
  return wish;
}

test.each([
  [["up"], 3000],
  [["down"], 2000],
  [["down", "down", "down"], 1000],
  [["min", "up"], 2000],
  [["turbo-on"], 3001],
  [["turbo-on", "down", "up"], 3001],
  [["turbo-on", "turbo-off", "up"], 3000],
] as const)("steps %p lead to the same frequency with a table and without", (steps, wanted) => {
  expect(walk(TABLE, ...steps)).toMatchObject({ by: "khz", khz: wanted });
  const blind = walk(undefined, ...steps);
  // What the blind wish comes to once the table is known.
  expect(compare(TABLE, blind, { by: "khz", khz: wanted, turbo: false })).toBe(0);
});

test.each([
  [["max"], 3001, true],
  [["up"], 3001, true],
  [["down"], 3000, true],
  [["down", "up"], 3001, true],
  [["turbo-off"], 3000, false],
  [["turbo-off", "max"], 3000, false],
  [["min", "turbo-on"], 3001, true],
] as const)("steps %p lead where a host that starts with turbo is", (steps, wanted, turbo) => {
  expect(walk(BOOSTED, ...steps)).toEqual({ by: "khz", khz: wanted, turbo });
});

test("a wish in steps is the same with and without the table of a host that starts with turbo", () => {
  for (const steps of [["max"], ["down"], ["down", "down"], ["min"], ["min", "up"]] as const) {
    expect(compare(BOOSTED, walk(undefined, ...steps), walk(BOOSTED, ...steps))).toBe(0);
  }
});

test.each([
  ["without a table", undefined, [["min"], ["min", "up"], ["down", "down"], ["down"], ["max"], ["turbo-on"]]],
  ["with one", TABLE, [["min"], ["down"], ["max"], ["turbo-on"]]],
] as const)("compare() orders wishes from the bottom to turbo %s", (_, table, ascending) => {
  const wishes = ascending.map((steps) => walk(table, ...steps));
  for (let i = 1; i < wishes.length; i++) {
    const [lower, higher] = [wishes[i - 1] as Wish, wishes[i] as Wish];
    expect(compare(table, higher, lower)).toBeGreaterThan(0);
    expect(compare(table, lower, higher)).toBeLessThan(0);
  }
});

test("khzWish() rounds up to the table, keeps below turbo without leave, and needs a table", () => {
  expect(khzWish(TABLE, 1001, false)).toMatchObject({ khz: 2000 });
  expect(khzWish(TABLE, 9999, false)).toMatchObject({ khz: 3000 });
  expect(khzWish(TABLE, 9999, true)).toMatchObject({ khz: 3001 });
  expect(khzWish(undefined, 1001, false)).toBeUndefined();
});

test("orders() sends the very step that was asked when it leads there, else kHz, else steps from an end", () => {
  const min = walk(TABLE, "min");
  expect(orders(TABLE, undefined, walk(TABLE, "down"), "down")).toEqual([{ do: "scale", step: "down" }]);
  expect(orders(TABLE, min, walk(TABLE, "down"), "down")).toEqual([
    { do: "set-khz", khz: 2000, turbo: false },
  ]);
  const steps = (held: Wish | undefined, wish: Wish) =>
    orders(undefined, held, wish).map((order) => (order.do === "scale" ? order.step : order.khz));
  expect(steps(undefined, walk(undefined, "down", "down"))).toEqual(["max", "down", "down"]);
  expect(steps(walk(undefined, "down"), walk(undefined, "down", "down"))).toEqual(["down"]);
  expect(steps(walk(undefined, "max"), walk(undefined, "min", "up"))).toEqual(["min", "up"]);
  expect(steps(walk(undefined, "turbo-on"), walk(undefined, "min"))).toEqual(["turbo-off", "min"]);
  expect(steps(undefined, walk(undefined, "turbo-on"))).toEqual(["turbo-on"]);
});

test("inSteps() says a frequency in steps that a v1 host takes", () => {
  expect(inSteps(TABLE, { by: "khz", khz: 2000, turbo: false })).toEqual({
    by: "steps",
    from: "max",
    steps: 1,
  });
  expect(inSteps(TABLE, { by: "khz", khz: 3001, turbo: true })).toEqual({
    by: "steps",
    from: "turbo",
    steps: 0,
  });
  const wish = walk(undefined, "min");
  expect(inSteps(TABLE, wish)).toBe(wish);
  expect(same(wish, walk(undefined, "min"))).toBe(true);
  expect(same(wish, undefined)).toBe(false);
});

test("steps without a table end somewhere", () => {
  const down = Array.from({ length: 200 }, () => "down" as const);
  expect(orders(undefined, undefined, walk(undefined, ...down)).length).toBe(65);
  expect(same(walk(undefined, ...down), moved(undefined, walk(undefined, ...down), "down"))).toBe(true);
});
