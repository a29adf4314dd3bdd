// How many vCPUs a VM has, by where they run.

import type { Placement } from "../claims/authorize.ts";

/** Largest vCPU index looked at. */
export const MAX_VCPU = 8191;
/** vCPUs without a place that may lie between two that have one. */
const MAX_GAP = 8;

/** Returns how many vCPUs are known: as many as a source counts, else up to the last that has a place, gaps of some allowed. */
export function countVcpus(placeOf: (index: number) => Placement): number {
  let known = 0;
  for (let index = 0; index < known + MAX_GAP && index <= MAX_VCPU; index++) {
    const place = placeOf(index);
    if (place.kind === "absent") return place.count;
    if (place.kind !== "unpinned") known = index + 1;
  }
  return known;
}
