// What was drawn of late, by the time that it took: noise and loads that come and go hide from a few readings, and not from this.

/** How long a load is remembered, ms: one that comes and goes must not lift its own ceiling each time. */
const LATE_MS = 30_000;
/** What is drawn after a move counts whatever the noise once it is over for so long, ms: who makes the noise must not gain by it. */
const SINCE_MS = 4000;

/** One reading is remembered as no more than this many times the budget: a meter's slip is no load. */
const SLIP = 2;

export class Recent {
  #late: number | undefined;
  #since = { watts: 0, ms: 0 };
  /** How long ago something was given back, ms. */
  #givenMs = Infinity;

  /** Takes one reading, W, and how long it is the mean of, ms. What was drawn before the first is nobody's debt. */
  add(reading: number, tookMs: number, budget: number): void {
    const watts = Math.min(reading, SLIP * budget);
    const late = this.#late ?? Math.min(watts, budget);
    this.#late = late + (watts - late) * Math.min(1, tookMs / LATE_MS);
    this.#givenMs += tookMs;
    const { watts: mean, ms } = this.#since;
    const longer = Math.min(LATE_MS, ms + tookMs);
    this.#since = { watts: mean + (watts - mean) * Math.min(1, tookMs / longer), ms: longer };
  }

  /** Begins the mean since the last move anew. A cut with nothing given back of late is a new load's, whose beginning is nobody's debt. @param up whether something was given back */
  moved(up: boolean): void {
    this.#since = { watts: 0, ms: 0 };
    if (up) this.#givenMs = 0;
    else if (this.#givenMs > LATE_MS) this.#late = undefined;
  }

  /** Forgets all. */
  forget(): void {
    this.#givenMs = Infinity;
    this.moved(false);
  }

  /** The mean of the last half minute, W, older readings counting less and less; 0 before the first. */
  get late(): number {
    return this.#late ?? 0;
  }

  /** The mean since the last move, W, of 30 s at most; undefined until it is one of 4 s. */
  get sinceMove(): number | undefined {
    return this.#since.ms >= SINCE_MS ? this.#since.watts : undefined;
  }
}
