// powermon profile status: which profile is in force.

import { defineCommand } from "../../../internal/cli/command.ts";
import { RUNNING_ARGS } from "../running.ts";
import { tellProfile } from "./verified.ts";

export default defineCommand({
  meta: { name: "status", summary: "show which profile is in force and what has drifted from it" },
  args: { ...RUNNING_ARGS, json: { type: "boolean", description: "print one JSON document" } },
  run: (context) => tellProfile(context, () => true),
});
