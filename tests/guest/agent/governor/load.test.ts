// The load rule on drawn and recorded traces: what a person would draw under the curve.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { busyShare, parseCpuTimes } from "../../../../internal/guest/agent/governor/cpu-times.ts";
import { decideLoad, type LoadRules, START } from "../../../../internal/guest/agent/governor/load.ts";

const RULES: LoadRules = { up: 0.8, down: 0.4, holdMs: 1000 };
const PERIOD_MS = 250;

/** Returns the moves as one letter a sample: M(ax), d(own), . (hold). */
function run(trace: readonly number[], rules = RULES): string {
  let state = START;
  let moves = "";
  for (const [i, busy] of trace.entries()) {
    const decided = decideLoad(rules, state, busy, i * PERIOD_MS);
    state = decided.state;
    moves += { max: "M", down: "d", hold: "." }[decided.move];
  }
  return moves;
}

test.each([
  ["an idle vCPU goes down after its hold, a step a sample", [0, 0, 0, 0, 0, 0, 0], "....ddd"],
  ["a burst goes up at once", [0, 0, 0.8, 0, 0], "..M.."],
  ["a load between the thresholds changes nothing", [0.5, 0.6, 0.79, 0.4, 0.5, 0.7, 0.5], "......."],
  ["a dip shorter than the hold is forgiven", [0.9, 0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1], "M......."],
  ["after a burst the hold begins anew", [0, 0, 0, 0, 0, 0.9, 0, 0, 0, 0, 0, 0], "....dM....dd"],
])("%s", (_, trace, moves) => {
  expect(run(trace)).toBe(moves);
});

/** The line of CPU 1 in /proc/stat, read each 250 ms in a VM of two emulated CPUs (Linux 6.1): three seconds, five of a program that spins, five more. */
const BURNER = readFileSync(join(import.meta.dir, "../../../fixtures/proc/burner.stat"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => parseCpuTimes(line).get(1) ?? { busy: 0, idle: 0 });

test("a recorded burner has the highest frequency within a sample of its start, and loses it a second after its end", () => {
  const shares = BURNER.slice(1).map((times, i) => busyShare(BURNER[i] ?? times, times) ?? Number.NaN);
  expect(shares.length).toBe(51);
  expect(run(shares)).toBe("....ddddMMMMMMMM.....dddd.....ddddddddddddddddddddd");
});

test("a hold of nothing goes down with the first quiet sample", () => {
  expect(run([0.9, 0, 0.9, 0], { ...RULES, holdMs: 0 })).toBe("MdMd");
});
