// A machine in numbers: what it draws at given clocks and loads, for dry runs, tests and the bench. It states its own law, not the loop's.

/** The machine, W and kHz. */
export interface ModelOptions {
  readonly cpus: number;
  /** Ascending or descending, at least two, the same for all. */
  readonly steps: readonly number[];
  /** With all CPUs at work: at the lowest step, and at the highest. */
  readonly floorWatts: number;
  readonly fullWatts: number;
  /** Volts at the lowest step over volts at the highest. */
  readonly leastVoltage: number;
  /** Standard deviation of what is drawn in a second, W. */
  readonly noiseWatts: number;
}

/** 62 W at the floors to 180 W in full, as the figures of docs/budget.md have it. */
export const MODEL: ModelOptions = {
  cpus: 16,
  steps: Array.from({ length: 19 }, (_, at) => 800_000 + at * 100_000),
  floorWatts: 62,
  fullWatts: 180,
  leastVoltage: 0.6,
  noiseWatts: 0.5,
};

/** idle + c V(f)^2 f by utilisation. */
export class MachineModel {
  readonly options: ModelOptions;
  readonly idleWatts: number;
  readonly #each: number;
  readonly #least: number;
  readonly #most: number;
  readonly #random: () => number;

  /** @param random 0 to 1, as Math.random() */
  constructor(options: ModelOptions = MODEL, random: () => number = Math.random) {
    this.options = options;
    this.#least = Math.min(...options.steps);
    this.#most = Math.max(...options.steps);
    this.#random = random;
    const floor = this.#law(this.#least);
    this.#each = (options.fullWatts - options.floorWatts) / (options.cpus * (1 - floor));
    this.idleWatts = options.floorWatts - options.cpus * this.#each * floor;
  }

  /** Returns what is drawn, W, without noise. @param load of each CPU its frequency, kHz, and utilisation, 0 to 1 */
  watts(load: Iterable<{ readonly khz: number; readonly busy: number }>): number {
    let sum = this.idleWatts;
    for (const { khz, busy } of load) sum += this.#each * busy * this.#law(khz);
    return sum;
  }

  /** Returns the noise of a stretch of time, W: that of single seconds evens out over many. */
  noise(ms: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    return (normal * this.options.noiseWatts) / Math.sqrt(Math.max(1, ms) / 1000);
  }

  #law(khz: number): number {
    const { leastVoltage } = this.options;
    const volts = leastVoltage + ((1 - leastVoltage) * (khz - this.#least)) / (this.#most - this.#least);
    return (volts * volts * khz) / this.#most;
  }
}
