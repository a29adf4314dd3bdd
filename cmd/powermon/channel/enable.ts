// powermon channel enable: serves the requests of channels again.

import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, tell } from "../control.ts";
import { CHANNELS_ARGS, channelsOf, didChannels } from "./text.ts";

export default defineCommand({
  meta: {
    name: "enable",
    summary: "serve the requests of channels again that were disabled",
    examples: ["powermon channel enable vm1 all"],
  },
  args: CHANNELS_ARGS,
  run(context) {
    const { vm, channels } = channelsOf(context.args);
    return tell(clientOf(context.args).ask("enableChannels", { vm, channels, enabled: true }), context, () =>
      didChannels(vm, channels, "enabled"),
    );
  },
});
