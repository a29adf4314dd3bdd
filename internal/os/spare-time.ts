// Time for what is not a guest's: a tenth of a second each second, a piece at a time, with a look at all guests in between.

/** The part of the time that may be spent. */
const PART = 1 / 10;
/** The most that may be spent without a break, in ms, after a rest. */
const MOST_MS = 50;
/** The most that is paid for, in ms: after one long piece of work the next has to wait 3 s, not until its client gives up. */
const DEBT_MS = 300;

/** Who does without while guests have to be served: each piece of work waits until the ones before it have been paid for. */
export class SpareTime {
  readonly #waiting: (() => void)[] = [];
  /** What may be spent, in ms, as of `#at`. Below 0 after work that took longer. */
  #left = MOST_MS;
  #at = performance.now();
  #planned = false;

  /** Calls `work`, which must not throw, in its turn; what it does before it returns counts. */
  give(work: () => void): void {
    this.#waiting.push(work);
    this.#plan();
  }

  /** Resolves to what `work` returns or resolves to, once it had its turn; only what it does at once counts. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.give(() => {
        try {
          resolve(work());
        } catch (cause) {
          reject(cause);
        }
      });
    });
  }

  #plan(): void {
    if (this.#planned || this.#waiting.length === 0) return;
    this.#planned = true;
    const now = performance.now();
    this.#left = Math.min(MOST_MS, this.#left + (now - this.#at) * PART);
    this.#at = now;
    if (this.#left > 0) setImmediate(this.#run);
    else setTimeout(this.#run, Math.ceil(-this.#left / PART));
  }

  readonly #run = (): void => {
    const start = performance.now();
    this.#waiting.shift()?.();
    this.#left = Math.max(-DEBT_MS, this.#left - (performance.now() - start));
    this.#planned = false;
    this.#plan();
  };
}
