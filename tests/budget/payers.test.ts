// Who pays, and how much of each clock is left.

import { describe, expect, test } from "bun:test";
import { type BudgetClock, costOf } from "../../internal/budget/clock.ts";
import { ceilingsAt, FULL, reachFor, shareOf, spendAt } from "../../internal/budget/payers.ts";
import { khz } from "../../internal/values/units.ts";
import type { Priority } from "../../internal/values/vm-settings.ts";

const STEPS = [2600, 2200, 1800, 1400, 1000, 800].map((mhz) => khz(mhz * 1000));
const clock = (id: number, priority: Priority, more: Partial<BudgetClock> = {}): BudgetClock => ({
  ...{ id, priority, steps: STEPS, floor: khz(800_000), wish: khz(2_600_000), cpus: 1, busy: 1 },
  ...more,
});
const CLOCKS = [
  clock(0, "high"),
  clock(1, "normal"),
  clock(2, "normal", { floor: khz(1_400_000) }),
  clock(3, "low"),
  clock(4, "low"),
  clock(5, "low"),
];

test("shareOf() gives to high first and takes from low first", () => {
  const shares = (reach: number) => (["high", "normal", "low"] as const).map((one) => shareOf(one, reach));
  expect([3, 2.5, 2, 1.25, 0.5, 0].map(shares)).toEqual([
    [1, 1, 1],
    [1, 1, 0.5],
    [1, 1, 0],
    [1, 0.25, 0],
    [0.5, 0, 0],
    [0, 0, 0],
  ]);
});

describe("ceilingsAt()", () => {
  test("leaves those alone who may use all, and takes nobody below his floor", () => {
    expect([...ceilingsAt(CLOCKS, FULL)]).toEqual([]);
    expect<object>(Object.fromEntries(ceilingsAt(CLOCKS, 1))).toEqual({
      1: 800_000,
      2: 1_400_000,
      3: 800_000,
      4: 800_000,
      5: 800_000,
    });
    expect(ceilingsAt(CLOCKS, 0).get(2)).toBe(khz(1_400_000));
  });

  test("hands what coarse steps leave to the next clock, and never more than was meant", () => {
    const many = Array.from({ length: 30 }, (_, id) => clock(id, "low"));
    const least = costOf(STEPS, 800_000);
    for (let share = 0.01; share < 1; share += 0.01) {
      const meant = 30 * (least + share * (1 - least));
      const found = [...ceilingsAt(many, 2 + share).values()].reduce((sum, at) => sum + costOf(STEPS, at), 0);
      expect(found).toBeLessThanOrEqual(meant + 1e-6);
      expect(found).toBeGreaterThan(meant - 0.3);
    }
  });

  test("takes a floor that is no step of the clock as it is", () => {
    const odd = clock(9, "low", { floor: khz(1_100_000) });
    expect(ceilingsAt([odd], 2).get(9)).toBe(khz(1_100_000));
  });
});

describe("reachFor()", () => {
  test("is the farthest reach that keeps within what may be drawn", () => {
    for (let spend = 0.5; spend < 6; spend += 0.1) {
      const reach = reachFor(CLOCKS, spend);
      const least = spendAt(CLOCKS, 0);
      expect(spendAt(CLOCKS, reach)).toBeLessThanOrEqual(Math.max(spend, least));
    }
    expect(reachFor(CLOCKS, 6)).toBe(FULL);
    expect(reachFor(CLOCKS, 0.1)).toBeLessThan(0.001);
  });

  test("takes little from those who do nothing, and goes on to the next", () => {
    const idle = CLOCKS.map((one) => (one.priority === "low" ? { ...one, busy: 0 } : one));
    const all = spendAt(idle, FULL);
    expect(reachFor(idle, all)).toBe(FULL);
    expect(reachFor(idle, all - 0.5)).toBeLessThan(2);
  });

  test("counts a wish below the ceiling for what it is", () => {
    const modest = clock(0, "low", { wish: khz(1_000_000) });
    expect(spendAt([modest], FULL)).toBeCloseTo(costOf(STEPS, 1_000_000), 9);
  });
});

test("costOf() rises more than the frequency does, and is 1 at the top", () => {
  expect(costOf(STEPS, 2_600_000)).toBe(1);
  expect(costOf(STEPS, 800_000)).toBeLessThan(800 / 2600);
  for (let at = 1; at < STEPS.length; at++)
    expect(costOf(STEPS, STEPS[at] ?? 0)).toBeLessThan(costOf(STEPS, STEPS[at - 1] ?? 0));
});
