// The power budget as a configuration has it, with what holds where it says nothing.

import type * as v from "valibot";
import { type MeterName, parseMeter } from "../values/meter.ts";
import type { TimeSpan } from "../values/policy.ts";
import type { Priority } from "../values/vm-settings.ts";
import type { budgetSchema } from "./budget-schema.ts";
import { spanOf } from "./policy.ts";
import type { Bound, ConfigFile } from "./schema.ts";

/** What holds where a file says nothing. */
export const BUDGET_DEFAULTS = {
  meter: "rapl",
  guard_percent: 2,
  host_priority: "normal",
  backstop: false,
  fallback: "base",
} as const satisfies v.InferOutput<typeof budgetSchema>;

export interface BudgetConfig {
  /** Outside of all windows; undefined for none. */
  readonly watts: number | undefined;
  readonly meter: MeterName;
  /** How far under the budget is aimed, a share of it. */
  readonly guard: number;
  /** Of CPUs that no VM is pinned to. */
  readonly hostPriority: Priority;
  readonly backstop: boolean;
  /** The ceiling of all clocks while the meter is lost. */
  readonly fallback: Bound;
  /** Undefined for the host's own. */
  readonly timeZone: string | undefined;
  /** The first that holds wins. */
  readonly windows: readonly (TimeSpan & { readonly watts: number })[];
}

/** Returns the budget that a configuration names. */
export function budgetOf({ budget }: ConfigFile): BudgetConfig {
  const says = { ...BUDGET_DEFAULTS, ...budget };
  return {
    watts: says.watts,
    meter: parseMeter(says.meter) ?? { kind: "rapl" },
    guard: says.guard_percent / 100,
    hostPriority: says.host_priority,
    backstop: says.backstop,
    fallback: says.fallback,
    timeZone: says.timezone,
    windows: (says.windows ?? []).map(({ watts, ...span }) => ({ ...spanOf(span), watts })),
  };
}
