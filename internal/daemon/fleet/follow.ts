// The fleet as the configuration names it, now and after each reload; where it names none, nothing of it is loaded.

import type { FleetParts } from "./join.ts";

export class FollowedFleet {
  readonly #parts: FleetParts;
  #stop: (() => Promise<void>) | undefined;
  #in = "";

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  /** Joins, leaves, or joins anew when [fleet] is another one. */
  async follow(): Promise<void> {
    const { host, budget, vms } = this.#parts;
    const { fleet } = host.config.says;
    const wanted = JSON.stringify(fleet) ?? "";
    if (wanted === this.#in) return;
    this.#in = wanted;
    const leaving = this.stop();
    if (fleet === undefined) {
      budget.setWatts(undefined, "fleet");
      vms.leave(host);
      return await leaving;
    }
    await leaving;
    const { joinFleet } = await import("./join.ts");
    // Another reload may have come while this one waited.
    if (this.#in === wanted) this.#stop = joinFleet(this.#parts);
  }

  /** Leaves the fleet. What was granted holds until it is said otherwise. */
  async stop(): Promise<void> {
    const stop = this.#stop;
    this.#stop = undefined;
    await stop?.();
  }
}
