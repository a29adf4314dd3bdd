// powermon fleet host: which hosts a group reckons with.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { addHost, removeHost } from "../../../internal/fleet/operator.ts";
import { json } from "../../../internal/output/json.ts";
import { loaded } from "../../loaded.ts";
import { DRY_RUN_ARG } from "../dry-run.ts";
import { askedOf, FLEET_ARGS, GROUP_ARG, refuse, tellDry, word } from "./asked.ts";

const HOST_ARG = {
  type: "positional",
  valueHint: "HOST",
  description: "the host's name in the fleet",
} as const;

export const HOST = defineCommand({
  meta: {
    name: "host",
    summary: "have a group reckon with a host before it comes, or no more when it is gone",
  },
  commands: loaded(
    defineCommand({
      meta: {
        name: "add",
        summary: "keep a host's fallback for it before its powermon starts",
        details:
          "A host that nobody added is counted once it reports and there is room for its fallback; until then it draws its fallback on top of what the group has.",
        examples: ["powermon fleet host add host12 --fallback-watts 180"],
      },
      args: {
        host: HOST_ARG,
        "fallback-watts": {
          type: "string",
          required: true,
          valueHint: "WATTS",
          description: "fallback_watts of its file",
        },
        group: GROUP_ARG,
        ...DRY_RUN_ARG,
        ...FLEET_ARGS,
      },
      async run(context) {
        const { host, "fallback-watts": watts } = parseArgs(
          v.object({ host: word, "fallback-watts": integer(1, 100_000) }),
          context.args,
        );
        const { etcd, keys, group } = askedOf(context.args);
        const added = await addHost(etcd, keys, host, watts);
        if (!added.ok) return refuse(context, added.error);
        if (context.args["dry-run"])
          return tellDry(context, [{ what: `fallback kept for ${host}`, after: `${watts} W` }]);
        context.io.out(
          context.args.json ? json({ group, host, fallbackWatts: watts }) : `${host}: added to ${group}`,
        );
        return STATUS.done;
      },
    }),
    defineCommand({
      meta: {
        name: "remove",
        summary: "keep a host's fallback for it no more",
        details: "A host that still reports is refused: stop its powermon first.",
        examples: ["powermon fleet host remove host12"],
      },
      args: { host: HOST_ARG, group: GROUP_ARG, ...DRY_RUN_ARG, ...FLEET_ARGS },
      async run(context) {
        const { host } = parseArgs(v.object({ host: word }), context.args);
        const { etcd, keys, group } = askedOf(context.args);
        const removed = await removeHost(etcd, keys, group, host);
        if (!removed.ok) return refuse(context, removed.error);
        if (context.args["dry-run"])
          return tellDry(context, [{ what: `fallback kept for ${host}`, before: `${removed.value} W` }]);
        context.io.out(context.args.json ? json({ group, host }) : `${host}: removed from ${group}`);
        return STATUS.done;
      },
    }),
  ),
});
