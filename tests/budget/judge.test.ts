// A meter that can't be believed is found out.

import { expect, test } from "bun:test";
import { FROZEN_MS, MeterJudge, type Reading } from "../../internal/budget/judge.ts";
import { err, ok } from "../../internal/values/result.ts";

const WRAP = 262_143_328_850;
const energy = (uj: number, more: object = {}): Reading => ({
  kind: "energy",
  parts: [{ uj, wrapUj: undefined, ...more }],
});

/** Judges readings a second apart. */
function judged(...readings: readonly (Reading | string)[]) {
  const judge = new MeterJudge();
  return readings.map((one, n) => judge.judge(n * 1000, typeof one === "string" ? err(one) : ok(one), 110));
}
const lost = (why: string) => ({ kind: "lost", why }) as const;

test("judge() turns energy into watts", () => {
  expect(judged(energy(5e6), energy(105e6))).toEqual([
    { kind: "waits" },
    { kind: "watts", watts: 100, tookMs: 1000 },
  ]);
});

test("judge() adds packages up, each with its own wrap", () => {
  const two = (a: number, b: number): Reading => ({
    kind: "energy",
    parts: [a, b].map((uj) => ({ uj, wrapUj: WRAP })),
  });
  expect(judged(two(WRAP - 10e6, 7), two(30e6, 60e6 + 7))[1]).toMatchObject({ watts: 100 });
});

test("judge() loses a meter that is gone, went back, jumped or stands still, and takes it again by itself", () => {
  expect(judged(energy(1e6), "it is gone", energy(2e6), energy(3e6))).toEqual([
    { kind: "waits" },
    lost("it is gone"),
    { kind: "waits" },
    { kind: "watts", watts: 1, tookMs: 1000 },
  ]);
  expect(judged(energy(500e6), energy(1e6), energy(101e6)).slice(1)).toEqual([
    lost("its counter went back"),
    { kind: "watts", watts: 100, tookMs: 1000 },
  ]);
  expect(judged(energy(0), energy(1e12), energy(1e12 + 1e8)).slice(1)).toEqual([
    lost("it shows 1000000 W, which can't be"),
    { kind: "watts", watts: 100, tookMs: 1000 },
  ]);
  const still = judged(energy(0), energy(1e8), energy(1e8), energy(1e8), energy(1e8), energy(5e8));
  expect(still.map(({ kind }) => kind)).toEqual(["waits", "watts", "waits", "waits", "lost", "watts"]);
  expect(still[5]).toMatchObject({ watts: 100, tookMs: 4000 });
  expect(FROZEN_MS).toBe(3000);
});

test("judge() finds one package of two that stands still", () => {
  const two = (a: number): Reading => ({
    kind: "energy",
    parts: [
      { uj: a, wrapUj: undefined },
      { uj: 7, wrapUj: undefined },
    ],
  });
  expect(judged(two(0), two(1e8), two(2e8), two(3e8)).at(-1)).toMatchObject({ kind: "lost" });
});

test("judge() goes by when a file was written, not by when it was read", () => {
  const judge = new MeterJudge();
  const at = (uj: number, writtenMs: number): Reading =>
    ({ ...energy(uj), kind: "energy", writtenMs }) as Reading;
  judge.judge(0, ok(at(0, 5000)), 110);
  expect(judge.judge(900, ok(at(0, 5000)), 110)).toEqual({ kind: "waits" });
  expect(judge.judge(1300, ok(at(100e6, 6000)), 110)).toEqual({ kind: "watts", watts: 100, tookMs: 1000 });
  // The wall clock was set back: nothing can be told of that stretch.
  expect(judge.judge(2300, ok(at(200e6, 2000)), 110)).toEqual({ kind: "waits" });
  expect(judge.judge(3300, ok(at(300e6, 3000)), 110)).toMatchObject({ watts: 100 });
});

test("judge() takes momentary power as it is, unless it can't be", () => {
  expect(judged({ kind: "power", watts: 90 }, { kind: "power", watts: 90 })[1]).toEqual({
    kind: "watts",
    watts: 90,
    tookMs: 1000,
  });
  expect(judged({ kind: "power", watts: 0 })[0]).toEqual(lost("it shows 0 W, which can't be"));
  expect(judged({ kind: "power", watts: 1200 })[0]).toEqual(lost("it shows 1200 W, which can't be"));
});
