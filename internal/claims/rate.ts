// How often a VM may ask, so that one guest cannot keep the host busy.

/** A token bucket: `burst` requests at once, then `perSecond` of them each second. */
export class TokenBucket {
  readonly perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /**
   * @param perSecond requests a second; 0 for no limit
   * @param burst requests at once, from 1
   * @param nowMs a clock that never goes back, in ms
   */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = nowMs;
  }

  /** Returns whether one more request is within the rate, and counts it if so. */
  take(nowMs: number): boolean {
    if (this.perSecond === 0) return true;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#at) * this.perSecond) / 1000);
    this.#at = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
