// Whether the power budget can be held: its meter, and what a running powermon says of it.

import { openMeter } from "../../../internal/budget/meter.ts";
import { budgetOf } from "../../../internal/config/budget.ts";
import type { Config } from "../../../internal/config/load.ts";
import { ControlClient } from "../../../internal/control/client.ts";
import { meterText } from "../../../internal/values/meter.ts";
import { type Finding, note, problem, warning } from "./finding.ts";

/** How long a running powermon may take to answer, in ms. */
const ANSWER_MS = 2000;

/** Returns what is to say about the budget; nothing where there is none. @param sysfsRoot stands for /sys */
export async function checkBudget(config: Config, sysfsRoot: string): Promise<Finding[]> {
  const { watts, windows, meter } = budgetOf(config.says);
  const asked = await new ControlClient(config.control.socket, ANSWER_MS).ask("budget");
  const state = asked.ok && asked.value.budgetWatts !== undefined ? asked.value : undefined;
  const isInFleet = config.says.fleet?.fallback_watts !== undefined;
  if (watts === undefined && windows.length === 0 && state === undefined && !isInFleet) return [];
  const findings: Finding[] = [];
  const opened = openMeter(meter, sysfsRoot);
  const reading = opened.ok ? opened.value.read() : opened;
  if (!reading.ok) {
    const todo = "Name another meter in [budget], and try it with `powermon budget check`.";
    findings.push(problem("budget", `The meter ${meterText(meter)} can't be read: ${reading.error}.`, todo));
  }
  if (state === undefined) {
    // A fleet's budget is told of with it.
    if (watts === undefined && windows.length === 0) return findings;
    findings.push(
      note(
        "budget",
        `A budget of ${watts ?? windows[0]?.watts} W is configured; powermon does not tell of it now.`,
      ),
    );
    return findings;
  }
  const { budgetWatts, drawnWatts, floorWatts, meterLost, floorsTooHigh, backstop } = state;
  if (meterLost !== undefined && reading.ok)
    findings.push(
      problem(
        "budget",
        `The meter is lost: ${meterLost}.`,
        "Clocks have their fallback; see `powermon budget check`.",
      ),
    );
  if (floorsTooHigh)
    findings.push(
      problem(
        "budget",
        `The floors take ${Math.round(drawnWatts ?? floorWatts)} of ${budgetWatts} W; they are held.`,
        "Lower the VMs' floors, move a VM away, or raise the budget.",
      ),
    );
  if (backstop.state === "refused")
    findings.push(
      warning(
        "budget",
        `The backstop is not set: ${backstop.why}.`,
        "Set backstop = false, or unlock it in the firmware.",
      ),
    );
  if (findings.length === 0)
    findings.push(
      note("budget", `${drawnWatts?.toFixed(1) ?? "An unknown number"} of ${budgetWatts} W are drawn.`),
    );
  return findings;
}
