// powermon profile status: which profile is in force.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { ROOT_ARGS, rootsOf } from "../roots.ts";
import { tellProfile } from "./verified.ts";

export default defineCommand({
  meta: { name: "status", summary: "show which profile is in force and what has drifted from it" },
  args: { ...ROOT_ARGS, json: { type: "boolean", description: "print one JSON document" } },
  run({ args, io }) {
    return tellProfile(rootsOf(args), args.json, io) ? STATUS.done : STATUS.failed;
  },
});
