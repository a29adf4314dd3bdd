import { expect, test } from "bun:test";
import { Recent } from "../../internal/budget/recent.ts";

test("Recent.late weighs readings by their time, and forgets those of minutes ago", () => {
  const recent = new Recent();
  expect(recent.late).toBe(0);
  for (let n = 0; n < 300; n++) {
    recent.add(180, 250, 110);
    recent.add(60, 750, 110);
  }
  expect(recent.late).toBeGreaterThan(88);
  expect(recent.late).toBeLessThan(92);
  for (let n = 0; n < 180; n++) recent.add(50, 1000, 110);
  expect(recent.late).toBeLessThan(51);
});

test("Recent.sinceMove is the mean since the last move, once that is 4 s ago", () => {
  const recent = new Recent();
  recent.add(5000, 10_000, 110);
  recent.moved(true);
  for (let n = 0; n < 3; n++) recent.add(100, 1000, 110);
  expect(recent.sinceMove).toBeUndefined();
  recent.add(140, 1000, 110);
  expect(recent.sinceMove).toBeCloseTo(110, 6);
  recent.forget();
  expect([recent.late, recent.sinceMove]).toEqual([0, undefined]);
});

test("Recent.add() takes no reading for more than twice the budget, and the first for no more than the budget", () => {
  const recent = new Recent();
  recent.add(50_000, 1000, 110);
  expect(recent.late).toBeCloseTo(110 + 110 / 30, 6);
  recent.add(50_000, 1000, 110);
  expect(recent.late).toBeLessThan(118);
});
