// Holds how a group's watts are divided.

import { expect, test } from "bun:test";
import { share, type Want } from "../../internal/fleet/share.ts";

const want = (fallback: number, floor = 0, high = 0, normal = 0, low = 0): Want => ({
  fallback,
  floor,
  demand: { high, normal, low },
});

test.each([
  ["nobody is there", 100, [], []],
  ["fallbacks alone take all", 100, [want(60, 80), want(40, 80)], [60, 40]],
  ["fallbacks are more than the budget", 50, [want(60), want(40)], [60, 40]],
  ["floors come first, in proportion to what is missing", 100, [want(20, 40), want(20, 100)], [32, 68]],
  ["high goes before normal over the whole group", 100, [want(20, 20, 0, 100), want(20, 20, 60)], [20, 80]],
  ["normal goes before low", 120, [want(20, 20, 0, 0, 100), want(20, 20, 0, 60)], [40, 80]],
  ["one priority shares in proportion to need", 100, [want(20, 20, 90), want(20, 20, 30)], [65, 35]],
  ["a fallback serves its host's demand", 100, [want(50, 20, 20), want(20, 20, 30)], [50, 50]],
  ["what is left goes by demand", 200, [want(10, 10, 50), want(10, 10, 20)], [133, 66]],
  ["nobody needs anything", 90, [want(10), want(20)], [40, 50]],
])("share() when %s", (_, budget, wants, shares) => {
  expect(share(budget, wants)).toEqual(shares);
});

test("share() never gives more than the budget, nor less than a fallback", () => {
  let state = 1;
  const random = (most: number) => (state = (state * 48271) % 2147483647) % most;
  for (let turn = 0; turn < 5000; turn++) {
    const wants = Array.from({ length: 1 + random(20) }, () =>
      want(random(90), random(120), random(90), random(90), random(90)),
    );
    const least = wants.reduce((all, { fallback }) => all + fallback, 0);
    const budget = least + random(1500);
    const shares = share(budget, wants);
    expect(shares.reduce((all, one) => all + one, 0)).toBeLessThanOrEqual(budget);
    for (const [at, one] of shares.entries())
      expect(one).toBeGreaterThanOrEqual(wants[at]?.fallback as number);
  }
});
