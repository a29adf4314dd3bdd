// The power budget as metrics; none of them is there while there is no budget.

import type { BudgetReport } from "../../api/budget.ts";
import type { Snapshot } from "../../metrics/snapshot.ts";
import type { HostBudget } from "../budget/host-budget.ts";
import { HOST } from "../budget/payers.ts";

const HZ_PER_KHZ = 1000;

/** Adds the budget's metrics as they are now; no file is read. */
export function addBudget(snapshot: Snapshot, budget: HostBudget): void {
  const state: BudgetReport = budget.state();
  if (state.budgetWatts === undefined) return;
  snapshot.add("powermon_budget_watts", state.budgetWatts);
  if (state.drawnWatts !== undefined) snapshot.add("powermon_budget_drawn_watts", state.drawnWatts);
  snapshot.add("powermon_budget_floor_watts", state.floorWatts);
  for (const [priority, share] of Object.entries(state.shares))
    snapshot.add("powermon_budget_headroom_share", share, priority);
  snapshot.add("powermon_budget_over_seconds_total", state.overSeconds);
  snapshot.add("powermon_budget_floors_too_high", state.floorsTooHigh ? 1 : 0);
  snapshot.add("powermon_budget_meter_lost", state.meterLost === undefined ? 0 : 1);
  snapshot.add("powermon_budget_ceiling_writes_total", state.writes);
  const lost = new Map<string, { priority: string; ceiling: number; khz: number }>();
  for (const { vms, priority, ceilingKhz, wishKhz } of state.clocks)
    for (const vm of vms.length === 0 ? [HOST] : vms) {
      const key = `${vm} ${priority}`;
      const before = lost.get(key) ?? { priority, ceiling: Infinity, khz: 0 };
      const below = Math.max(0, wishKhz - (ceilingKhz ?? wishKhz));
      const ceiling = Math.min(before.ceiling, ceilingKhz ?? Infinity);
      lost.set(key, { priority, ceiling, khz: before.khz + below });
    }
  for (const [key, { priority, ceiling, khz }] of lost) {
    const vm = key.slice(0, -priority.length - 1);
    if (ceiling < Infinity) snapshot.add("powermon_budget_ceiling_hertz", ceiling * HZ_PER_KHZ, vm, priority);
    snapshot.add("powermon_budget_lost_hertz", khz * HZ_PER_KHZ, vm, priority);
  }
}
