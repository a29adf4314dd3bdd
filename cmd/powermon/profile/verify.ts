// powermon profile verify: whether the profile still holds, for monitoring.

import { defineCommand } from "../../../internal/cli/command.ts";
import { stillHolds } from "../../../internal/power/profiles/verify.ts";
import { RUNNING_ARGS } from "../running.ts";
import { tellProfile } from "./verified.ts";

export default defineCommand({
  meta: {
    name: "verify",
    summary: "fail when somebody else changed what the profile in force had set",
    details:
      "Status 1 when an attribute drifted, or when the profile is gone with the last boot; 0 when all stands or no profile is in force. Clocks that a guest's claim holds are judged by what they go back to.",
    examples: ["powermon profile verify || powermon profile apply balanced"],
  },
  args: { ...RUNNING_ARGS, json: { type: "boolean", description: "print one JSON document" } },
  run: (context) => tellProfile(context, stillHolds),
});
