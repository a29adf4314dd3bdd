// powermon fleet budget: how many watts a group's hosts may draw together.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { setBudget, untilInForce } from "../../../internal/fleet/operator.ts";
import { MAX_GROUP_WATTS } from "../../../internal/fleet/stored.ts";
import { readGroup } from "../../../internal/fleet/view.ts";
import { json } from "../../../internal/output/json.ts";
import { loaded } from "../../loaded.ts";
import { failWith } from "../../fail.ts";
import { DRY_RUN_ARG } from "../dry-run.ts";
import { askedOf, FLEET_ARGS, refuse, tellDry, word } from "./asked.ts";
import { groupText } from "./show.ts";

const GROUP = { type: "positional", valueHint: "GROUP", description: "the group's name" } as const;

export const BUDGET = defineCommand({
  meta: { name: "budget", summary: "show or set the watts that a group's hosts may draw together" },
  commands: loaded(
    defineCommand({
      meta: {
        name: "set",
        summary: "set a group's budget, and wait until it is in force",
        details:
          "A smaller budget is in force when the hosts have given up what is too much, or their grants have ended: up to 20 s are waited for. Fewer watts than the hosts' fallbacks take are refused.",
        examples: ["powermon fleet budget set rack7 4000"],
      },
      args: {
        group: GROUP,
        watts: { type: "positional", valueHint: "WATTS", description: "watts, a whole number" },
        ...DRY_RUN_ARG,
        ...FLEET_ARGS,
      },
      async run(context) {
        const { args, io } = context;
        const { watts, group } = parseArgs(
          v.object({ group: word, watts: integer(1, MAX_GROUP_WATTS) }),
          args,
        );
        const { etcd, keys } = askedOf(args);
        const set = await setBudget(etcd, keys, group, watts);
        if (!set.ok) return refuse(context, set.error);
        if (args["dry-run"]) {
          const [before, after] = [set.value, watts].map((one) => (one === undefined ? one : `${one} W`));
          return tellDry(context, [{ what: `budget asked for of ${group}`, before, after }]);
        }
        const found = await untilInForce(etcd, keys, group, watts);
        if (!found.ok) return refuse(context, found.error);
        const view = found.value;
        if (view.hosts.length > 0 && view.budgetWatts !== watts) {
          const now = view.budgetWatts === undefined ? "none" : `${view.budgetWatts} W`;
          const why =
            view.leader === undefined ? "nobody leads the group" : "hosts have not given up their grants yet";
          return failWith(context, STATUS.noAnswer, [
            `${watts} W are asked for and not in force yet (${now}): ${why}. It comes in force by itself.`,
          ]);
        }
        const hint = view.hosts.length === 0 ? "; the group has no hosts yet" : " in force";
        io.out(args.json ? json(view) : `${group}: ${watts} W${hint}`);
        return STATUS.done;
      },
    }),
    defineCommand({
      meta: {
        name: "show",
        summary: "show a group's budget and what is granted of it",
        examples: ["powermon fleet budget show rack7", "powermon fleet budget show rack7 --json"],
      },
      args: { group: GROUP, ...FLEET_ARGS },
      async run(context) {
        const { etcd, keys, group } = askedOf(context.args);
        const read = await readGroup(etcd, keys, group);
        if (!read.ok) return refuse(context, read.error);
        const { hosts: _, ...budget } = read.value.view;
        context.io.out(context.args.json ? json(budget) : groupText(read.value.view));
        return STATUS.done;
      },
    }),
  ),
});
