// A wait that something else may end.

/** Wakes the one who waits. A ring that nobody waits for is lost: look before waiting. */
export class Bell {
  #wake: (() => void) | undefined;

  /** Ends the wait that is on, if one is. */
  ring(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Waits for a ring, `ms` at most; for ever when Infinity. */
  async wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    if (this.#wake === resolve) this.#wake = undefined;
  }
}
