// Holds when a host lets a report out: at rest, in a large group, never two in a row.

import { expect, test } from "bun:test";
import { Cadence } from "../../internal/fleet/cadence.ts";

const needs = (high: number, floor = 40) => ({ floor, demand: { high, normal: 10, low: 0 } });

/** Returns which of the beats a second apart are due, from `fromMs` on. */
function beats(
  cadence: Cadence,
  demands: readonly number[],
  hosts: number | undefined,
  fromMs = 60_000,
): readonly boolean[] {
  return demands.map((high, at) => cadence.isDue(needs(high), hosts, fromMs + at * 1000));
}

test("a host at rest in a large group, or in one without a ledger, reports every other second", () => {
  for (const hosts of [16, undefined])
    expect(beats(new Cadence(), [50, 50, 51, 50, 50], hosts)).toEqual([true, false, true, false, true]);
});

test("one of a small group, or one that its ledger grants nothing, reports each second", () => {
  expect(beats(new Cadence(), [50, 50, 50], 15)).toEqual([true, true, true]);
  expect(beats(new Cadence(), [50, 50, 50], 0)).toEqual([true, true, true]);
});

test("one whose needs move by more than noise reports at once", () => {
  expect(beats(new Cadence(), [50, 52, 54, 54, 10], 50)).toEqual([true, true, true, false, true]);
  const cadence = new Cadence();
  expect([needs(50, 40), needs(50, 42)].map((one) => cadence.isDue(one, 50, 60_000))).toEqual([true, true]);
});

test("what has moved is followed each second for 3 s", () => {
  const cadence = new Cadence();
  cadence.moved(60_000);
  expect(beats(cadence, [50, 50, 50, 50, 50, 50, 50], 50)).toEqual([
    true,
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});
