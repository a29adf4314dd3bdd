// When a loaded vCPU gets more clock and an idle one less; between the two thresholds and for a while after a rise it stays.

/** How the load governor decides; shares from 0 to 1. */
export interface LoadRules {
  /** At or above it the vCPU goes to the highest frequency at once. */
  readonly up: number;
  /** Below it for `holdMs` it goes down, one step a sample, until it is at or above. Lower than `up`. */
  readonly down: number;
  readonly holdMs: number;
}

/** What is remembered of a vCPU between two samples. */
export interface LoadState {
  /** Since when the load has been below `down`, in ms; undefined when it is not. */
  readonly quietSince: number | undefined;
}

export const START: LoadState = { quietSince: undefined };

/** What to do with the clock. */
export type Move = "max" | "down" | "hold";

/**
 * Returns what follows from one sample.
 * @param busy share of the last period, 0 to 1
 * @param nowMs a clock that never goes back, in ms
 */
export function decideLoad(
  rules: LoadRules,
  state: LoadState,
  busy: number,
  nowMs: number,
): { readonly state: LoadState; readonly move: Move } {
  if (busy >= rules.up) return { state: START, move: "max" };
  if (busy >= rules.down) return { state: START, move: "hold" };
  const quietSince = state.quietSince ?? nowMs;
  return { state: { quietSince }, move: nowMs - quietSince >= rules.holdMs ? "down" : "hold" };
}
