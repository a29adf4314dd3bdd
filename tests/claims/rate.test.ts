import { expect, test } from "bun:test";
import { TokenBucket } from "../../internal/claims/rate.ts";

test("TokenBucket takes a burst at once, then its rate", () => {
  const bucket = new TokenBucket(10, 3, 0);
  expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([true, true, true, false]);
  expect([50, 100, 100, 200].map((now) => bucket.take(now))).toEqual([false, true, false, true]);
  expect([9000, 9000, 9000, 9000].map((now) => bucket.take(now))).toEqual([true, true, true, false]);
});

test("TokenBucket takes everything when there is no rate", () => {
  const bucket = new TokenBucket(0, 1, 0);
  expect([0, 0, 0].every((now) => bucket.take(now))).toBe(true);
});
