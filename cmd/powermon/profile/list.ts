// powermon profile list: the profiles there are.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import { allProfiles, CONFIG_ARG } from "./profiles.ts";

export default defineCommand({
  meta: { name: "list", summary: "list the profiles, built-in ones and the configuration's own" },
  args: { ...CONFIG_ARG, json: { type: "boolean", description: "print one JSON document" } },
  run({ args, io }) {
    const profiles = [...allProfiles(args).values()];
    const rows = profiles.map(({ name, from, summary }) => [name, from, summary]);
    io.out(args.json ? json({ profiles }) : table([["PROFILE", "FROM", "WHAT"], ...rows]));
    return STATUS.done;
  },
});
