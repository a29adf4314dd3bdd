// The last ten minutes of every clock, for pages that are opened now.

/** Samples that are kept; one a second makes ten minutes. */
export const HISTORY_LENGTH = 600;
/** A clock that nobody claimed. */
const NOBODY = 0;

/** Runs of one value, oldest first: how many samples, and kHz or 0 while nobody claimed the clock. */
export type Runs = readonly (readonly [count: number, khz: number])[];

/** Samples in rings: memory grows with the clocks alone. */
export class History {
  readonly #rings = new Map<number, Uint32Array>();
  #taken = 0;

  /** Takes a sample of all clocks. @param targets kHz by domain; undefined while nobody claims it */
  sample(targets: Iterable<readonly [domain: number, khz: number | undefined]>): void {
    const at = this.#taken % HISTORY_LENGTH;
    for (const ring of this.#rings.values()) ring[at] = NOBODY;
    for (const [domain, khz] of targets) {
      let ring = this.#rings.get(domain);
      if (ring === undefined) this.#rings.set(domain, (ring = new Uint32Array(HISTORY_LENGTH)));
      ring[at] = khz ?? NOBODY;
    }
    this.#taken++;
  }

  /** Returns a clock's samples; none when it is not known. */
  of(domain: number): Runs {
    const ring = this.#rings.get(domain);
    const runs: [number, number][] = [];
    if (ring === undefined) return runs;
    for (let n = Math.max(0, this.#taken - HISTORY_LENGTH); n < this.#taken; n++) {
      const khz = ring[n % HISTORY_LENGTH] as number;
      const last = runs.at(-1);
      if (last !== undefined && last[1] === khz) last[0]++;
      else runs.push([1, khz]);
    }
    return runs;
  }
}
