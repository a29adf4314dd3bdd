// The host's power budget: what may be drawn, what is, and who pays. Watts; frequencies are kHz.

import * as v from "valibot";
import { PRIORITIES } from "../values/vm-settings.ts";
import { MAX_WATTS } from "../values/meter.ts";
import { dryRun, dryRunAlone } from "./dry-run.ts";
import type { Row } from "./row.ts";
import { about, list, number, text, texts, whole } from "./words.ts";

const priority = v.picklist(PRIORITIES);
const byPriority = (what: string) =>
  v.object({ high: number(what), normal: number(what), low: number(what) });

/** The budget in a few numbers. */
export const budgetGlance = v.object({
  budgetWatts: about(v.optional(v.number()), "What may be drawn, W; absent where there is no budget."),
  origin: about(v.picklist(["file", "operator", "fleet"]), "Who says so."),
  drawnWatts: about(v.optional(v.number()), "What the meter showed last, W; absent while that is not known."),
  meterLost: about(v.optional(v.string()), "Why the meter is not believed; absent while it is."),
  floorsTooHigh: about(v.boolean(), "Whether all clocks are at their floors, and that is too much."),
  payers: about(
    texts,
    "VMs whose clocks are kept below what they wish, 32 at most; /host stands for CPUs without a VM.",
  ),
  morePayers: number("How many pay beside those."),
  says: text("All of it in one line for people, such as 104.2 of 110 W, paid by batch."),
});
export type BudgetGlance = v.InferOutput<typeof budgetGlance>;

const budgetReport = v.object({
  ...budgetGlance.entries,
  guardPercent: number("How much of the budget is left unused."),
  meter: text("The meter, as the configuration names it."),
  floorWatts: number("What would be drawn with all clocks at their floors, as far as it is known, W."),
  demandWatts: about(
    byPriority("W."),
    "Beyond that, what each priority would draw if nobody paid, W, as far as it is known.",
  ),
  slopeWatts: about(
    v.optional(v.number()),
    "What a CPU at work draws at its highest step, W, as measured; absent before it is.",
  ),
  shares: about(
    byPriority("A share."),
    "How much of its headroom above the floors each priority may use, 0 to 1.",
  ),
  overSeconds: number("Seconds that more was drawn than the budget, since powermon started."),
  writes: number("Ceilings written since powermon started."),
  backstop: about(
    v.object({
      state: v.picklist(["off", "set", "refused"]),
      watts: about(v.optional(v.number()), "RAPL's long-term limit of all packages together, W."),
      why: about(v.optional(v.string()), "Why it could not be set."),
    }),
    "RAPL's own limit above the budget.",
  ),
  clocks: list(
    v.object({
      domain: number("N of the kernel's policyN."),
      priority,
      wishKhz: number("What it would run at without a budget."),
      floorKhz: number("No ceiling goes below."),
      ceilingKhz: about(v.optional(v.number()), "The ceiling in force; absent where there is none."),
      vms: about(texts, "VMs that run on it."),
    }),
  ),
});
export type BudgetReport = v.InferOutput<typeof budgetReport>;

/** What an operator says. */
const budgetChange = v.strictObject({
  watts: about(whole(0, MAX_WATTS), `Watts that the host may draw, up to ${MAX_WATTS}; 0 for no budget.`),
  dryRun,
});

/** Its rows of the API. */
export const BUDGET = {
  budget: {
    about: "The host's power budget: what may be drawn, what is, and who pays.",
    method: "GET",
    path: "budget",
    places: {},
    answer: budgetReport,
  },
  setBudget: {
    about:
      "Says how many watts the host may draw, before the file's and at most what the fleet grants, until powermon restarts.",
    method: "PUT",
    path: "budget",
    places: {},
    body: budgetChange,
    answer: budgetReport,
  },
  releaseBudget: {
    about: "Ends the operator's word on the budget: the file's and the fleet's count again.",
    method: "DELETE",
    path: "budget",
    places: {},
    body: dryRunAlone,
    answer: budgetReport,
  },
} as const satisfies Readonly<Record<string, Row>>;
