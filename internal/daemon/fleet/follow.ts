// The fleet as the configuration names it, now and after each reload; where it names none, nothing of it is loaded.

import type { FleetParts, Joined } from "./join.ts";

export class FollowedFleet {
  readonly #parts: FleetParts;
  #joined: Joined | undefined;
  #in = "";

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  /** Joins, leaves, or joins anew when [fleet] is another one, or could not be joined; its files are read again in any case. */
  async follow(): Promise<void> {
    const { host, budget, vms } = this.#parts;
    const { fleet } = host.config.says;
    const wanted = JSON.stringify(fleet) ?? "";
    if (wanted === this.#in && (fleet === undefined || this.#joined?.renew() === true)) return;
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
    if (this.#in === wanted && this.#joined === undefined) this.#joined = joinFleet(this.#parts);
  }

  /** Leaves the fleet. What was granted holds until it is said otherwise. */
  async stop(): Promise<void> {
    const joined = this.#joined;
    this.#joined = undefined;
    await joined?.stop();
  }
}
