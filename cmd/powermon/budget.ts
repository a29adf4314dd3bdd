// powermon budget: how many watts the host may draw, and who pays.

import * as v from "valibot";
import { integer } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { MAX_WATTS } from "../../internal/values/meter.ts";
import { loaded } from "../loaded.ts";
import { askCommand } from "./ask-command.ts";
import { showBudget } from "./budget/text.ts";

export default defineCommand({
  meta: {
    name: "budget",
    summary: "show and set how many watts the host may draw, and see who pays",
    details:
      "VMs pay by their priority: low down to its floors, then normal, then high. The budget, its meter and the priorities stand in the configuration, see docs/budget.md.",
  },
  commands: {
    ...loaded(
      askCommand("budget", {
        meta: {
          name: "show",
          summary: "show the budget, what is drawn, and who pays",
          examples: ["powermon budget show", "powermon budget show --json"],
        },
        show: showBudget,
      }),
      askCommand("setBudget", {
        meta: {
          name: "set",
          summary: "say how many watts the host may draw, until powermon restarts",
          details:
            "It goes before the configuration's watts and windows, and never above what a fleet grants, until `powermon budget release`. With a budget that the file does not have, meter, priorities and fallback are still the file's.",
          examples: ["powermon budget set 110"],
        },
        args: { watts: { type: "positional", valueHint: "WATTS", description: `watts, 1 to ${MAX_WATTS}` } },
        means: v.object({ watts: integer(1, MAX_WATTS) }),
        show: showBudget,
      }),
      askCommand("setBudget", {
        meta: {
          name: "off",
          summary: "have no budget, whatever the configuration says, until powermon restarts",
          examples: ["powermon budget off"],
        },
        means: v.pipe(
          v.object({}),
          v.transform(() => ({ watts: 0 })),
        ),
        show: showBudget,
      }),
      askCommand("releaseBudget", {
        meta: {
          name: "release",
          summary: "end the operator's word: the configuration's and the fleet's budgets count again",
          examples: ["powermon budget release"],
        },
        show: showBudget,
      }),
    ),
    check: () => import("./budget/check.ts"),
    simulate: () => import("./budget/simulate.ts"),
  },
});
