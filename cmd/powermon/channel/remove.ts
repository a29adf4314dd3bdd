// powermon channel remove: closes channels until they are added again.

import { defineCommand } from "../../../internal/cli/command.ts";
import { clientOf, tell } from "../control.ts";
import { CHANNELS_ARGS, channelsOf, didChannels } from "./text.ts";

export default defineCommand({
  meta: {
    name: "remove",
    summary: "close channels of a VM; claims made through them end",
    examples: ["powermon channel remove vm1 3"],
  },
  args: CHANNELS_ARGS,
  run(context) {
    const { vm, channels } = channelsOf(context.args);
    return tell(clientOf(context.args).ask("removeChannels", { vm, channels }), context, () =>
      didChannels(vm, channels, "removed"),
    );
  },
});
