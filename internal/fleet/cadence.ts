// How often a host reports: each second while something moves or the group is small, every other second at rest in a large group, or in one without a ledger.

import type { Want } from "./share.ts";

/** Ms from one look to the next, and to the next report where it can't wait. */
export const BEAT_MS = 1000;
/** From so many hosts on one that rests lets a beat out: somebody else sees within a moment that nobody leads. */
const LARGE = 16;
/** What has moved may move again: ms. */
const SETTLING_MS = 3000;
/** Needs that move by less are at rest: W, and a part. */
const STILL_W = 1;
const STILL_PART = 0.02;

type Needs = Omit<Want, "fallback">;

/** Decides at each beat whether its host reports. */
export class Cadence {
  #said: Needs | undefined;
  #movedAt = -Infinity;

  /** What the host may draw, or who leads, is another now. @param nowMs monotonic */
  moved(nowMs: number): void {
    this.#movedAt = nowMs;
  }

  /** Returns whether to report now. @param hosts of the group's ledger: undefined where there is none, 0 where it grants this host nothing */
  isDue(needs: Needs, hosts: number | undefined, nowMs: number): boolean {
    const isRest =
      (hosts ?? LARGE) >= LARGE &&
      nowMs - this.#movedAt >= SETTLING_MS &&
      this.#said !== undefined &&
      isStill(needs, this.#said);
    // Having let one beat out it is due at the next.
    this.#said = isRest ? undefined : needs;
    return !isRest;
  }
}

function isStill(needs: Needs, said: Needs): boolean {
  return numbersOf(needs).every((watts, at) => {
    const before = numbersOf(said)[at] as number;
    return Math.abs(watts - before) <= Math.max(STILL_W, before * STILL_PART);
  });
}

const numbersOf = ({ floor, demand }: Needs) => [floor, demand.high, demand.normal, demand.low];
