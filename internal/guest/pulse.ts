// One timer for all who look again now and then, however many ports have no host.

/** Calls its listeners every `periodMs`; without any, there is no timer. */
export class Pulse {
  readonly periodMs: number;
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(periodMs: number) {
    this.periodMs = periodMs;
  }

  /** Calls `listener` at every beat until the returned function is called. */
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => {
      for (const each of this.#listeners) each();
    }, this.periodMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }
}
