// How many watts a CPU at work is worth here, learned from what the loop's own moves do to the meter.

/** The first guess may be wrong by so much either way, and what is learned stays within it. */
const MOST_WRONG = 32;
/** What the machine may be another for, such as its temperature: a share of the guess's variance that is added at each move. */
const DRIFT = 0.002;

/** One number, tracked as a Kalman filter does: a large move teaches much, one that the noise hides nothing. */
export class Slope {
  #guess: number;
  #watts: number;
  #variance: number;

  /** @param guess watts per CPU at work at its highest step, right within 32 times either way */
  constructor(guess: number) {
    this.#guess = guess;
    this.#watts = guess;
    this.#variance = guess * guess;
  }

  /** Watts per CPU at work at its highest step. */
  get watts(): number {
    return this.#watts;
  }

  /** Whether it was measured well enough to be told: within a third of itself. */
  get isMeasured(): boolean {
    return this.#variance < (this.#watts / 3) ** 2;
  }

  /**
   * Learns from one move.
   * @param spend by how much the clocks' draw should have changed, in CPUs at work
   * @param watts by how much the meter did
   * @param noise the variance of that, W^2
   */
  learn(spend: number, watts: number, noise: number): void {
    this.#variance += DRIFT * this.#guess * this.#guess;
    const gain = (this.#variance * spend) / (spend * spend * this.#variance + noise);
    const learned = this.#watts + gain * (watts - spend * this.#watts);
    this.#variance *= 1 - gain * spend;
    this.#watts = Math.min(this.#guess * MOST_WRONG, Math.max(this.#guess / MOST_WRONG, learned));
  }
}
