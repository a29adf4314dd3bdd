// The loop on the machine in numbers: a step of load, and what came of it.

import { costOf } from "../../internal/budget/clock.ts";
import { MachineModel, MODEL } from "../../internal/budget/machine-model.ts";
import { simulate, type SimulatedVm } from "../../internal/budget/simulate.ts";
import { khz } from "../../internal/values/units.ts";
import { random } from "../fixtures/packet/random.ts";

const floor = khz(800_000);
const THREE: readonly SimulatedVm[] = [
  { vm: "hi", priority: "high", cpus: 4, floor },
  { vm: "no", priority: "normal", cpus: 6, floor },
  { vm: "lo", priority: "low", cpus: 6, floor },
];
/** How busy everybody is for 80 W. */
const REST = (80 - 35.93) / (180 - 35.93);
const REST_S = 10;
const SETTLED_S = 20;

/** What a CPU at work draws at its highest step, W: 118 W are between all at the lowest step and all at the highest. */
const SLOPE = 118 / (16 * (1 - costOf([khz(2_600_000), floor], floor)));
const BUDGET = 110;

/** @param wrong how many times too large the loop's first guess of the slope is @param sees the share of the load that it sees */
export function step(wrong: number, seed: number, sees = 1, noiseWatts = 0.5, seconds = 300) {
  const below = random(seed);
  const model = new MachineModel({ ...MODEL, noiseWatts }, () => below(2 ** 32) / 2 ** 32);
  const rest = THREE.map(() => REST);
  // Somewhere between two looks.
  const stepS = REST_S + (seed % 4) / 4;
  const trace = [
    { atS: 0, busy: rest },
    { atS: stepS, busy: THREE.map(() => 1) },
  ];
  const budget = { watts: () => BUDGET, guard: 0.02, guess: SLOPE * wrong, sees };
  const found = simulate(THREE, trace, REST_S + seconds, budget, model);
  const after = found.rows.filter(({ atS }) => atS > stepS);
  const steady = after.slice(SETTLED_S).map(({ watts }) => watts);
  return {
    ...found,
    /** Seconds from the step on in which more than the budget was drawn, the one that it fell into included. */
    backS: after.findIndex(({ watts }) => watts <= BUDGET),
    meanShare: steady.reduce((sum, watts) => sum + watts, 0) / steady.length / BUDGET,
    overShare: steady.filter((watts) => watts > BUDGET * 1.02).length / steady.length,
  };
}

const SETTLE_S = 60;

/**
 * Returns the most that a minute's mean came to, W, under a budget of 110 W, once the loop had a minute to learn.
 * @param busyAt how busy the high, normal and low VM are at a second
 * @param noiseWatts standard deviation of a second
 */
export function worstMinute(
  busyAt: (atS: number) => readonly number[],
  seed: number,
  noiseWatts = 0.5,
): number {
  const below = random(seed);
  const model = new MachineModel({ ...MODEL, noiseWatts }, () => below(2 ** 32) / 2 ** 32);
  const seconds = 400;
  const trace = Array.from({ length: seconds * 4 }, (_, at) => ({ atS: at / 4, busy: busyAt(at / 4) }));
  const { rows } = simulate(THREE, trace, seconds, { watts: () => BUDGET, guard: 0.02 }, model);
  const watts = rows.slice(SETTLE_S).map((row) => row.watts);
  const means = watts
    .slice(60)
    .map((_, at) => watts.slice(at, at + 60).reduce((sum, one) => sum + one, 0) / 60);
  return Math.max(...means);
}
