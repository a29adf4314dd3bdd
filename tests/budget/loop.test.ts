// The loop in virtual time, by the figures that docs/budget.md states.

import { describe, expect, test } from "bun:test";
import type { BudgetClock } from "../../internal/budget/clock.ts";
import { BudgetLoop, LOOK_MS, LOOK_OVER_MS } from "../../internal/budget/loop.ts";
import { FULL, HIGH_ALONE, spendAt } from "../../internal/budget/payers.ts";
import { khz } from "../../internal/values/units.ts";
import type { Priority } from "../../internal/values/vm-settings.ts";
import { step, worstMinute } from "./closed-loop.ts";

const STEPS = Array.from({ length: 19 }, (_, at) => khz(2_600_000 - at * 100_000));
const clock = (id: number, priority: Priority, more: Partial<BudgetClock> = {}): BudgetClock => ({
  ...{ id, priority, steps: STEPS, floor: khz(800_000), wish: khz(2_600_000), cpus: 1, busy: 1 },
  ...more,
});
const CLOCKS = [clock(0, "high"), clock(1, "normal"), clock(2, "low"), clock(3, "low")];

describe("BudgetLoop after a step from 80 to 180 W under 110 W", () => {
  for (const wrong of [1, 0.25, 4])
    test(`is back within 3 s, uses 97 %, and writes little, with a guess of the slope ${wrong} times the truth`, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const run = step(wrong, seed);
        expect(run.backS).toBeLessThanOrEqual(3);
        expect(run.backS).toBeGreaterThan(0);
        expect(run.meanShare).toBeGreaterThanOrEqual(0.97);
        expect(run.overShare).toBeLessThanOrEqual(0.01);
        expect(run.writesPerClockSecond).toBeLessThanOrEqual(0.2);
      }
    });

  test("holds a load that nobody sees at work", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const run = step(1, seed, 0.02);
      expect(run.backS).toBeLessThanOrEqual(4);
      expect(run.meanShare).toBeGreaterThanOrEqual(0.97);
      expect(run.overShare).toBeLessThanOrEqual(0.01);
      expect(run.writesPerClockSecond).toBeLessThanOrEqual(0.2);
    }
  });

  test("keeps all of high's wish while low and normal can pay, where RAPL alone does not", () => {
    for (const wrong of [1, 0.25, 4]) {
      const { budget, raplAlone } = step(wrong, 5);
      expect(budget.vms.find(({ vm }) => vm === "hi")?.kept).toBe(1);
      expect(raplAlone.vms.find(({ vm }) => vm === "hi")?.kept).toBeLessThan(0.75);
    }
  });
});

describe("BudgetLoop keeps each minute's mean within the budget", () => {
  const BUDGET = 110;

  // A model's noise of 5 W is one of 10 W for readings of 250 ms.
  test.each([0.5, 2, 5])("when the meter's noise is %p W", (noiseWatts) => {
    for (let seed = 1; seed <= 6; seed++)
      expect(worstMinute(() => [1, 1, 1], seed, noiseWatts)).toBeLessThanOrEqual(BUDGET);
  });

  // Times that fall between two looks, on them, and on every few of them.
  test.each([1.5, 2, 2.5, 4, 5, 8])("when guests make the load come and go every %p s", (periodS) => {
    for (const share of [0.5, 0.75, 0.9])
      for (const high of [0, 1]) {
        const busyAt = (atS: number) => {
          const on = (atS + 0.125) % periodS < periodS * share ? 1 : 0;
          return [Math.max(high, on), on, on];
        };
        expect(worstMinute(busyAt, 1)).toBeLessThanOrEqual(BUDGET);
      }
  });

  test("when a meter says too much and too little in turn", () => {
    const loop = new BudgetLoop();
    const clocks = [clock(0, "high"), clock(1, "normal"), clock(2, "low"), clock(3, "low")];
    // 40 W idle and 20 W a clock at its top: 120 W unless somebody pays.
    const drawn = () => 40 + 20 * spendAt(clocks, loop.reach);
    let [ms, joules] = [0, 0];
    for (let n = 0; ms < 600_000; n++) {
      const watts = drawn();
      const took = n % 2 === 0 ? LOOK_OVER_MS : LOOK_MS;
      loop.look(watts * (n % 2 === 0 ? 2 : 0.75), took, clocks, 100, 0.02);
      ms += took;
      if (ms > 60_000) joules += watts * took;
    }
    expect(joules / (ms - 60_000)).toBeLessThanOrEqual(100);
  });

  test("and gives back what was cut once such a load is gone", () => {
    const loop = new BudgetLoop();
    for (let n = 0; n < 100; n++) loop.look(n % 2 === 0 ? 190 : 50, LOOK_MS, CLOCKS, 100, 0.02);
    for (let n = 0; n < 60; n++) loop.look(60, LOOK_MS, CLOCKS, 100, 0.02);
    expect(loop.reach).toBe(FULL);
  });
});

describe("BudgetLoop.look()", () => {
  const look = (loop: BudgetLoop, watts: number, budget = 100, clocks = CLOCKS, took = LOOK_MS) =>
    loop.look(watts, took, clocks, budget, 0.02);

  test("takes from low alone first, and looks sooner while it is over", () => {
    const loop = new BudgetLoop();
    expect(look(loop, 90)).toEqual({ reach: FULL, moved: false, nextMs: LOOK_MS });
    const over = look(loop, 105);
    expect(over).toMatchObject({ moved: true, nextMs: LOOK_OVER_MS });
    expect(over.reach).toBeLessThan(3);
    expect(over.reach).toBeGreaterThan(2);
  });

  test("goes no further than to all but high in one move, whatever it guesses", () => {
    const loop = new BudgetLoop();
    expect(look(loop, 990).reach).toBe(HIGH_ALONE);
    expect(look(loop, 990).reach).toBe(0);
  });

  test("takes all but high to their floors after 2 s above the budget by more than 5 %", () => {
    // It is sure that the smallest cuts are enough, and they are not.
    const loop = new BudgetLoop(1000);
    for (let ms = 0; ms < 1750; ms += 250) look(loop, 106, 100, CLOCKS, 250);
    expect(loop.reach).toBeGreaterThan(1.5);
    expect(look(loop, 106, 100, CLOCKS, 250).reach).toBe(HIGH_ALONE);
  });

  test("gives back to high first, and at last all", () => {
    const loop = new BudgetLoop();
    for (let n = 0; n < 12; n++) look(loop, 200);
    expect(loop.reach).toBe(0);
    const reaches: number[] = [];
    for (let n = 0; n < 60; n++) reaches.push(look(loop, 60).reach);
    expect(reaches.toSorted((a, b) => a - b)).toEqual(reaches);
    expect(reaches.at(-1)).toBe(FULL);
  });

  test("does not wind up: hours under the budget make the next cut no smaller", () => {
    const [fresh, old] = [new BudgetLoop(), new BudgetLoop()];
    for (let n = 0; n < 5000; n++) look(old, 40);
    for (const loop of [fresh, old]) look(loop, 140);
    expect(old.reach).toBe(fresh.reach);
  });

  test("moves nothing for a load within its dead band", () => {
    const loop = new BudgetLoop();
    look(loop, 120);
    const settled = loop.reach;
    for (let n = 0; n < 100; n++) expect(look(loop, n % 2 === 0 ? 98.2 : 97.8).moved).toBe(false);
    expect(loop.reach).toBe(settled);
  });

  test("says that floors are too high when all are there for 3 s and it is still too much", () => {
    const loop = new BudgetLoop();
    for (let n = 0; n < 3; n++) look(loop, 150);
    expect(loop.floorsTooHigh).toBe(false);
    for (let n = 0; n < 5; n++) look(loop, 150);
    expect([loop.reach, loop.floorsTooHigh]).toEqual([0, true]);
    look(loop, 80);
    expect(loop.floorsTooHigh).toBe(false);
  });

  test("tells what the priorities would draw and what the floors take, by the slope that it measured", () => {
    // 40 W idle, 20 W a clock at its top.
    const cost = (khz: number) => ((0.7 + (0.3 * (khz - 8e5)) / 18e5) ** 2 * khz) / 26e5;
    const loop = new BudgetLoop();
    const watts = () => {
      const share = (n: number) => Math.min(1, Math.max(0, loop.reach - n));
      const least = cost(8e5);
      return CLOCKS.reduce((sum, { priority }) => {
        const at = share(["high", "normal", "low"].indexOf(priority));
        return sum + 20 * (least + at * (1 - least));
      }, 40);
    };
    for (let n = 0; n < 40; n++) look(loop, watts(), 90);
    const draw = loop.draw(CLOCKS);
    expect(loop.slopeWatts).toBeGreaterThan(15);
    expect(loop.slopeWatts).toBeLessThan(25);
    expect(draw.floorWatts).toBeGreaterThan(45);
    expect(draw.floorWatts).toBeLessThan(60);
    expect(draw.demandWatts.low / draw.demandWatts.high).toBeCloseTo(2, 5);
  });
});
