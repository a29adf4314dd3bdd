// Whether what a meter shows can be believed: a meter that is gone, stands still, starts anew or says what can't be must not steer clocks.

import type { Result } from "../values/result.ts";

/** One counter of energy. */
export interface Part {
  readonly uj: number;
  /** Where it starts anew; undefined where it does not. */
  readonly wrapUj: number | undefined;
}

/** What a meter shows. */
export type Reading =
  | {
      readonly kind: "energy";
      readonly parts: readonly Part[];
      /** When a file was written last, ms since 1970: its numbers are of then. */
      readonly writtenMs?: number;
    }
  | { readonly kind: "power"; readonly watts: number }
  /** It was asked, and its answer is awaited. */
  | { readonly kind: "waits" };

/** What it comes to: watts since the time before, nothing new, or why it is not believed. */
export type Verdict =
  | { readonly kind: "watts"; readonly watts: number; readonly tookMs: number }
  | { readonly kind: "waits" }
  | { readonly kind: "lost"; readonly why: string };

/** A counter that shows the same for this long stands still, ms. */
export const FROZEN_MS = 3000;
/** More than this many times the budget, and than what a small machine can draw in a moment, can't be, W. */
const ABSURD_TIMES = 10;
const ABSURD_WATTS = 1000;
/** Readings closer together say nothing, ms. */
const LEAST_MS = 50;

interface Seen {
  readonly parts: readonly Part[];
  readonly atMs: number;
}

export class MeterJudge {
  /** The last reading that moved, and when. */
  #seen: Seen | undefined;
  /** When each part moved last, ms. */
  #movedMs: readonly number[] = [];

  /** Forgets what was read before, as after a sleep. */
  forget(): void {
    this.#seen = undefined;
    this.#movedMs = [];
  }

  /**
   * Judges one reading.
   * @param nowMs from a clock that never goes back
   * @param budget W
   */
  judge(nowMs: number, reading: Result<Reading, string>, budget: number): Verdict {
    if (!reading.ok) {
      this.forget();
      return lost(reading.error);
    }
    const { value } = reading;
    if (value.kind === "waits") return value;
    const most = Math.max(ABSURD_WATTS, ABSURD_TIMES * budget);
    if (value.kind === "power") {
      const tookMs = Math.max(LEAST_MS, nowMs - (this.#seen?.atMs ?? nowMs - LEAST_MS));
      this.#seen = { parts: [], atMs: nowMs };
      return value.watts <= 0 || value.watts > most
        ? lost(`it shows ${round(value.watts)} W, which can't be`)
        : { kind: "watts", watts: value.watts, tookMs };
    }
    return this.#energy(nowMs, value.parts, value.writtenMs, most);
  }

  #energy(nowMs: number, parts: readonly Part[], writtenMs: number | undefined, most: number): Verdict {
    const before = this.#seen;
    const atMs = writtenMs ?? nowMs;
    if (before === undefined || before.parts.length !== parts.length) {
      this.#seen = { parts, atMs };
      this.#movedMs = parts.map(() => nowMs);
      return { kind: "waits" };
    }
    const steps = parts.map(({ uj, wrapUj }, at) => {
      const was = before.parts[at]?.uj ?? uj;
      return uj >= was ? uj - was : wrapUj === undefined ? -1 : wrapUj - was + uj;
    });
    this.#movedMs = steps.map((step, at) => (step !== 0 ? nowMs : (this.#movedMs[at] ?? nowMs)));
    const stillMs = nowMs - Math.min(...this.#movedMs);
    if (stillMs >= FROZEN_MS) return lost(`it has shown the same for ${Math.floor(stillMs / 1000)} s`);
    const tookMs = atMs - before.atMs;
    // Of several counters one may be read just before it moves: all together tell.
    if (steps.every((step) => step === 0) || (tookMs >= 0 && tookMs < LEAST_MS)) return { kind: "waits" };
    this.#seen = { parts, atMs };
    if (steps.some((step) => step < 0)) return lost("its counter went back");
    const watts = steps.reduce((sum, step) => sum + step, 0) / 1000 / tookMs;
    if (tookMs < 0) return { kind: "waits" };
    return watts > most
      ? lost(`it shows ${round(watts)} W, which can't be`)
      : { kind: "watts", watts, tookMs };
  }
}

const lost = (why: string): Verdict => ({ kind: "lost", why });
const round = (watts: number): number => Math.round(watts * 10) / 10;
