// powermon channel add: takes up channels that were removed, or whose VM was.

import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, tell } from "../control.ts";
import { CHANNELS_ARGS, channelsOf, showChannels } from "./text.ts";

export default defineCommand({
  meta: {
    name: "add",
    summary: "serve channels of a VM that were removed",
    details: "Channels that appear in a channel folder are served without being asked for.",
    examples: ["powermon channel add vm1 0-3", "powermon channel add vm1 all"],
  },
  args: CHANNELS_ARGS,
  run(context) {
    const { vm, channels } = channelsOf(context.args);
    return tell(clientOf(context.args).ask("addChannels", { vm, channels }), context, showChannels);
  },
});
