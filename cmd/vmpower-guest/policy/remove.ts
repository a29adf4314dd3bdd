// vmpower-guest policy remove: takes this VM's policy back.

import { defineCommand } from "../../../internal/cli/command.ts";
import { json } from "../../../internal/output/json.ts";
import { PLACE_ARGS } from "../channel.ts";
import { withPlace } from "../with-place.ts";

export default defineCommand({
  meta: {
    name: "remove",
    summary: "take this VM's policy back",
    details:
      "DPDK's packets have no answer to this: through a port it is done when it is sent; through an agent and powermon it is answered.\n" +
      'JSON: {"port", "outcome", "message"}.',
    examples: ["vmpower-guest policy remove"],
  },
  args: PLACE_ARGS,
  async run({ args, io }) {
    return await withPlace(args, io, async (place) => {
      const { port, outcome, message, status } = await place.policy(undefined);
      if (args.json) io.out(json({ port, outcome, message }));
      else if (message === null) io.out("Policy removed");
      else io.err(message);
      return status;
    });
  },
});
