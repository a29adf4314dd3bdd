import { expect, test } from "bun:test";
import { BOUNDS_S, Histogram } from "../../internal/metrics/histogram.ts";

test("observe() counts a time in the first bucket that holds it, bounds included", () => {
  const histogram = new Histogram();
  histogram.observe(0);
  for (const bound of BOUNDS_S) histogram.observe(bound * 1000);
  histogram.observe(9000);
  expect([...histogram.counts]).toEqual([2, ...BOUNDS_S.slice(1).map(() => 1), 1]);
  expect(histogram.sumS).toBeCloseTo(BOUNDS_S.reduce((sum, bound) => sum + bound, 9));
});

test("BOUNDS_S ascend and hold the 10 ms after which a stock guest gives up", () => {
  expect([...BOUNDS_S].sort((a, b) => a - b)).toEqual([...BOUNDS_S]);
  expect(BOUNDS_S).toContain(0.01);
});
