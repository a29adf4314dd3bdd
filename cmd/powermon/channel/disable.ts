// powermon channel disable: reads and ignores what comes through channels.

import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, tell } from "../control.ts";
import { CHANNELS_ARGS, channelsOf, didChannels } from "./text.ts";

export default defineCommand({
  meta: {
    name: "disable",
    summary: "read what comes through channels and ignore it",
    examples: ["powermon channel disable vm1 all"],
  },
  args: CHANNELS_ARGS,
  run(context) {
    const { vm, channels } = channelsOf(context.args);
    return tell(clientOf(context.args).ask("enableChannels", { vm, channels, enabled: false }), context, () =>
      didChannels(vm, channels, "disabled"),
    );
  },
});
