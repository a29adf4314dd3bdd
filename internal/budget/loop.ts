// Keeps what a machine draws under a number of watts: reads power, says how far the priorities' headroom may be used. No clock, no files.

import type { BudgetClock } from "./clock.ts";
import { FULL, HIGH_ALONE, type Reach, reachFor, spendAt } from "./payers.ts";
import { Recent } from "./recent.ts";
import { Slope } from "./slope.ts";

/** Time between two looks, ms: at rest, and while the meter shows more than the budget. */
export const LOOK_MS = 1000;
export const LOOK_OVER_MS = 250;

/** More than the budget by this share for this long takes all but high to their floors. */
const HARD_SHARE = 0.05;
const HARD_MS = 2000;
/** The least deviation that is acted on, as a share of the budget: a steady load means no writes. */
const BAND = 0.004;
/** Deviations count from this many times what the noise explains. */
const SIGMAS = 2.5;
/** A reading this far off is another load, and what was read before it says nothing of it. */
const JUMP_SIGMAS = 4;
const JUMP_SHARE = 0.02;
/** How much of what is spare one move gives back: under the budget there is no hurry. */
const GAIN_UP = 0.6;
/** Readings that are averaged at most: an older load is forgotten. */
const MOST_READINGS = 8;
/** A move is learned from while no more than this share of the CPUs began or ended work meanwhile. */
const SAME_SHARE = 0.05;
/** All at their floors and still over for this long: the floors are too high. */
const FLOORS_MS = 3000;

/** What a look came to. */
export interface Look {
  readonly reach: Reach;
  /** True when ceilings must be worked out anew. */
  readonly moved: boolean;
  /** When to look again, ms. */
  readonly nextMs: number;
}

/** What is known of the power, W. */
export interface Draw {
  /** Averaged since the last move. */
  readonly watts: number;
  /** What is left with all clocks at their floors, as far as the slope tells. */
  readonly floorWatts: number;
  /** Beyond the floors, by priority, what would be drawn if nobody paid. */
  readonly demandWatts: Readonly<Record<BudgetClock["priority"], number>>;
}

export class BudgetLoop {
  #reach: Reach = FULL;
  #slope: Slope | undefined;
  /** Readings since the last move. */
  #count = 0;
  #mean = 0;
  /** Of single readings, W^2; undefined before two that belong together. */
  #variance: number | undefined;
  #last: number | undefined;
  /** The last move, until the next reading tells what it did. */
  #move:
    | { readonly spend: number; readonly watts: number; readonly noise: number; readonly busy: number }
    | undefined;
  readonly #recent = new Recent();
  #hardMs = 0;
  #floorsMs = 0;
  readonly #guess: number | undefined;

  /** @param guess watts per CPU at work at its highest step, where something is known before it is measured */
  constructor(guess?: number) {
    this.#guess = guess;
  }

  get reach(): Reach {
    return this.#reach;
  }

  /** Watts per CPU at work, as measured by what moves did; undefined before that is known. */
  get slopeWatts(): number | undefined {
    return this.#slope?.isMeasured === true ? this.#slope.watts : undefined;
  }

  /** Whether all are at their floors, and that is still too much. */
  get floorsTooHigh(): boolean {
    return this.#floorsMs >= FLOORS_MS;
  }

  /** Forgets the readings, as after a sleep or while the meter was lost; how far the headroom may be used stays. */
  interrupt(): void {
    this.#count = 0;
    this.#move = undefined;
    this.#last = undefined;
    this.#recent.forget();
    this.#hardMs = 0;
    this.#floorsMs = 0;
  }

  /**
   * Takes one reading.
   * @param watts the mean since the look before, W
   * @param tookMs how long that was
   * @param budget W
   * @param guard how far under it is aimed, a share of it
   */
  look(watts: number, tookMs: number, clocks: readonly BudgetClock[], budget: number, guard: number): Look {
    // Without a measurement the whole machine's clocks are taken to be worth the whole budget: too small a move is the safe mistake.
    this.#slope ??= new Slope(this.#guess ?? budget / Math.max(1, cpusOf(clocks)));
    this.#learn(watts, clocks);
    this.#average(watts, budget);
    this.#recent.add(watts, tookMs, budget);
    const over = watts > budget;
    this.#hardMs = watts > budget * (1 + HARD_SHARE) ? this.#hardMs + tookMs : 0;
    const before = this.#reach;
    if (this.#hardMs >= HARD_MS && this.#reach > HIGH_ALONE) this.#goTo(HIGH_ALONE, clocks);
    else this.#steer(budget * (1 - guard), budget, clocks);
    this.#floorsMs = this.#reach === 0 && over ? this.#floorsMs + tookMs : 0;
    return { reach: this.#reach, moved: before !== this.#reach, nextMs: over ? LOOK_OVER_MS : LOOK_MS };
  }

  /** Returns what the power is made of. */
  draw(clocks: readonly BudgetClock[]): Draw {
    const each = this.#slope?.watts ?? 0;
    const watts = this.#count > 0 ? this.#mean : (this.#last ?? 0);
    const floors = spendAt(clocks, 0);
    const now = spendAt(clocks, this.#reach);
    const [high = 0, normal = 0, low = 0] = [1, 2, 3].map(
      (reach) => each * (spendAt(clocks, reach) - spendAt(clocks, reach - 1)),
    );
    return {
      watts,
      floorWatts: Math.max(0, watts - each * (now - floors)),
      demandWatts: { high, normal, low },
    };
  }

  /** Sees what the last move did, unless another load did more: who makes a load come and go must not teach what a CPU is worth. */
  #learn(watts: number, clocks: readonly BudgetClock[]): void {
    const move = this.#move;
    this.#move = undefined;
    if (move !== undefined && Math.abs(busyOf(clocks) - move.busy) <= SAME_SHARE * cpusOf(clocks))
      this.#slope?.learn(move.spend, watts - move.watts, move.noise);
  }

  #average(watts: number, budget: number): void {
    const spread = Math.sqrt(this.#variance ?? 0);
    const far = Math.max(JUMP_SIGMAS * spread, JUMP_SHARE * budget);
    if (this.#count > 0 && Math.abs(watts - this.#mean) > far) this.#count = 0;
    else if (this.#count > 0 && this.#last !== undefined) {
      const seen = (watts - this.#last) ** 2 / 2;
      this.#variance = this.#variance === undefined ? seen : this.#variance + 0.1 * (seen - this.#variance);
    }
    this.#last = watts;
    this.#count = Math.min(MOST_READINGS, this.#count + 1);
    this.#mean = this.#count === 1 ? watts : this.#mean + (watts - this.#mean) / this.#count;
  }

  /** @param aim what is to be drawn, W */
  #steer(aim: number, budget: number, clocks: readonly BudgetClock[]): void {
    const noise = Math.sqrt((this.#variance ?? 0) / Math.max(1, this.#count));
    const slope = this.#slope?.watts ?? 0;
    const least = BAND * budget;
    const { sinceMove: since = 0, late } = this.#recent;
    // The noise excuses no more than half of the guard.
    const over = since - aim > Math.max(least, (budget - aim) / 2);
    const spare = aim - (over ? since : this.#mean);
    if (slope <= 0 || (!over && Math.abs(spare) <= Math.max(least, SIGMAS * noise))) return;
    if (spare > 0 && late > aim) return;
    const now = spendAt(clocks, this.#reach);
    const farthest = (gain: number) => reachFor(clocks, now + (gain * spare) / slope);
    if (spare > 0) {
      // Of coarse steps the next one may be all that there is room for.
      const gently = farthest(GAIN_UP);
      this.#goTo(Math.max(this.#reach, gently > this.#reach ? gently : farthest(1)), clocks);
    } else {
      // High pays only when all others are seen to be at their floors: a guess of the slope may be wrong.
      const lowest = this.#reach > HIGH_ALONE ? HIGH_ALONE : 0;
      this.#goTo(Math.min(this.#reach, Math.max(lowest, farthest(1))), clocks);
    }
  }

  #goTo(reach: Reach, clocks: readonly BudgetClock[]): void {
    if (reach === this.#reach) return;
    const variance = this.#variance ?? 1;
    this.#move = {
      spend: spendAt(clocks, reach) - spendAt(clocks, this.#reach),
      watts: this.#mean,
      noise: variance + variance / Math.max(1, this.#count),
      busy: busyOf(clocks),
    };
    this.#recent.moved(reach > this.#reach);
    this.#reach = reach;
    this.#count = 0;
  }
}

const cpusOf = (clocks: readonly BudgetClock[]): number => clocks.reduce((sum, { cpus }) => sum + cpus, 0);
const busyOf = (clocks: readonly BudgetClock[]): number => clocks.reduce((sum, { busy }) => sum + busy, 0);
