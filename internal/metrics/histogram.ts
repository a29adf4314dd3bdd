// How long things took, in buckets: averages hide the one answer in a thousand that came too late.

/** Upper ends of the buckets in seconds: a stock guest gives up after 10 ms. */
export const BOUNDS_S: readonly number[] = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1,
];

/** Counts of times; allocates nothing once it stands. */
export class Histogram {
  /** One count a bound, and one for all above. */
  readonly counts = new Float64Array(BOUNDS_S.length + 1);
  readonly #boundsMs = Float64Array.from(BOUNDS_S, (bound) => bound * 1000);
  #sumMs = 0;

  /**
   * @param ms how long it took
   * @param times how many took that long
   */
  observe(ms: number, times = 1): void {
    const bounds = this.#boundsMs;
    let at = 0;
    while (at < bounds.length && ms > (bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + times;
    this.#sumMs += ms * times;
  }

  /** The sum of all that was observed, in seconds. */
  get sumS(): number {
    return this.#sumMs / 1000;
  }
}
