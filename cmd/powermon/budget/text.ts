// A power budget and a dry run of one in text.

import type { BudgetReport } from "../../../internal/api/budget.ts";
import type { WattsFrom } from "../../../internal/daemon/budget/watts.ts";
import type { Outcome, Simulation } from "../../../internal/budget/simulate.ts";
import { table } from "../../../internal/output/table.ts";
import { PRIORITIES } from "../../../internal/values/vm-settings.ts";

const watts = (n: number | undefined): string => (n === undefined ? "unknown" : `${n.toFixed(1)} W`);
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Returns the budget, what is drawn, and a line a priority and a VM. */
export function showBudget(budget: BudgetReport): string {
  const { budgetWatts, origin, drawnWatts, meterLost, floorsTooHigh, backstop } = budget;
  if (budgetWatts === undefined)
    return origin === "operator"
      ? "No power budget: the operator turned it off; `powermon budget release` ends that."
      : "No power budget: [budget] names no watts.";
  const payers = [...budget.payers, ...(budget.morePayers > 0 ? [`${budget.morePayers} more`] : [])];
  return [
    `Power budget ${budgetWatts} W (${origin}), drawn ${watts(drawnWatts)} by ${budget.meter}`,
    ...(meterLost === undefined
      ? []
      : [`The meter is lost: ${meterLost}. All clocks have their fallback ceiling.`]),
    ...(floorsTooHigh
      ? [`The floors take ${Math.round(drawnWatts ?? budget.floorWatts)} of ${budgetWatts} W; they are held.`]
      : []),
    payers.length === 0 ? "Nobody pays." : `Who pays: ${payers.join(", ")}`,
    "",
    table([
      ["PRIORITY", "CLOCKS", "HEADROOM", "WOULD DRAW", "LOWEST CEILING"],
      ...PRIORITIES.map((priority) => {
        const clocks = budget.clocks.filter((clock) => clock.priority === priority);
        const ceilings = clocks.flatMap(({ ceilingKhz }) => ceilingKhz ?? []);
        return [
          priority,
          String(clocks.length),
          percent(budget.shares[priority]),
          watts(budget.demandWatts[priority]),
          ceilings.length === 0 ? "-" : `${Math.min(...ceilings)} kHz`,
        ];
      }),
    ]),
    "",
    `Floors take about ${watts(budget.floorWatts)}; a CPU at work about ${budget.slopeWatts === undefined ? "an unknown number of watts: not measured yet" : watts(budget.slopeWatts)} at its highest step.`,
    `Over the budget for ${budget.overSeconds.toFixed(1)} s since powermon started; ${budget.writes} ceilings written.`,
    backstop.state === "off"
      ? "Backstop: off."
      : backstop.state === "set"
        ? `Backstop: RAPL's own limit at ${watts(backstop.watts)}.`
        : `Backstop: not set, ${backstop.why}.`,
  ].join("\n");
}

/** Returns which budget holds when in a dry run. @param timeOf the time of a second */
export function budgetLines(
  budgets: readonly WattsFrom[],
  seconds: number,
  timeOf: (atS: number) => string,
): readonly string[] {
  const wattsOf = (one: WattsFrom | undefined) => (one?.watts === undefined ? "no budget" : `${one.watts} W`);
  if (budgets.length === 1) return [`Budget ${wattsOf(budgets[0])} over ${seconds} s.`];
  const rows = budgets.map((one) => [timeOf(one.atS), `${one.atS}`, wattsOf(one)]);
  return [`Budgets over ${seconds} s:`, table([["FROM", "SECOND", "BUDGET"], ...rows])];
}

/** Returns a dry run beside what RAPL alone would have done. */
export function showSimulation(told: readonly string[], found: Simulation): string {
  const { budget, raplAlone } = found;
  const row = (what: string, pick: (one: Outcome) => string) => [what, pick(budget), pick(raplAlone)];
  const alone = new Map(raplAlone.vms.map((one) => [one.vm, one]));
  return [
    ...told,
    "RAPL alone is an ideal one here: at once, exactly, every core cut alike and the fastest first.",
    "",
    table([
      ["", "POWERMON", "RAPL ALONE"],
      row("mean", (one) => watts(one.meanWatts)),
      row("most", (one) => watts(one.mostWatts)),
      row("over by 2 %", (one) => `${one.overS} s`),
      row("over", (one) => `${Math.round(one.overJoules)} J`),
    ]),
    "",
    table([
      ["VM", "PRIORITY", "KEPT", "PAID FOR", "KEPT BY RAPL ALONE", "PAID FOR"],
      ...budget.vms.map(({ vm, priority, kept, paidS }) => {
        const other = alone.get(vm);
        return [
          vm,
          priority,
          percent(kept),
          `${paidS} s`,
          percent(other?.kept ?? 1),
          `${other?.paidS ?? 0} s`,
        ];
      }),
    ]),
    "",
    `${found.writesPerClockSecond.toFixed(3)} ceilings written a second and clock. KEPT is the share of the wished clock while at work.`,
  ].join("\n");
}
