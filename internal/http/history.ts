// The last ten minutes, hour and day of every clock, for pages that are opened now.

/** Samples that are kept of each range. */
export const HISTORY_LENGTH = 600;
/** A clock that nobody claimed. */
const NOBODY = 0;

/** What a page can look back on, and how many looks make a sample of it: 10 minutes, 1 hour, 24 hours at a look a second. */
export const RANGES = { "10m": 1, "1h": 6, "24h": 144 } as const;
export type Range = keyof typeof RANGES;

/** Returns whether `text` is the name of a range. */
export const isRange = (text: string): text is Range => Object.hasOwn(RANGES, text);

/** Runs of one value, oldest first: how many samples, and kHz or 0 while nobody claimed the clock. */
export type Runs = readonly (readonly [count: number, khz: number])[];

/** Samples in rings: 7200 bytes a clock, however long it runs. */
export class History {
  readonly #rings: Readonly<Record<Range, Map<number, Uint32Array>>> = {
    "10m": new Map(),
    "1h": new Map(),
    "24h": new Map(),
  };
  #taken = 0;

  /** Looks so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes a look at all clocks; a sample of several looks is the highest of them. @param targets kHz by domain; undefined while nobody claims it */
  sample(targets: Iterable<readonly [domain: number, khz: number | undefined]>): void {
    const all = [...targets];
    for (const range of Object.keys(RANGES) as Range[]) {
      const [step, rings] = [RANGES[range], this.#rings[range]];
      const at = Math.floor(this.#taken / step) % HISTORY_LENGTH;
      if (this.#taken % step === 0) for (const ring of rings.values()) ring[at] = NOBODY;
      for (const [domain, khz = NOBODY] of all) {
        let ring = rings.get(domain);
        if (ring === undefined) rings.set(domain, (ring = new Uint32Array(HISTORY_LENGTH)));
        ring[at] = Math.max(ring[at] as number, khz);
      }
    }
    this.#taken++;
  }

  /** Returns a clock's samples, the last of which may still be under way; none when it is not known. */
  of(domain: number, range: Range = "10m"): Runs {
    const ring = this.#rings[range].get(domain);
    const runs: [number, number][] = [];
    if (ring === undefined) return runs;
    const samples = Math.ceil(this.#taken / RANGES[range]);
    for (let n = Math.max(0, samples - HISTORY_LENGTH); n < samples; n++) {
      const khz = ring[n % HISTORY_LENGTH] as number;
      const last = runs.at(-1);
      if (last !== undefined && last[1] === khz) last[0]++;
      else runs.push([1, khz]);
    }
    return runs;
  }
}
