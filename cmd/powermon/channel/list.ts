// powermon channel list: which channels there are and how they are.

import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell } from "../control.ts";
import { showChannels } from "./text.ts";

export default defineCommand({
  meta: {
    name: "list",
    summary: "list the channels and how they are",
    examples: ["powermon channel list", "powermon channel list --json"],
  },
  args: CONTROL_ARGS,
  run: (context) => tell(clientOf(context.args).ask("channels"), context, showChannels),
});
