// vmpower-guest policy send: gives the host a rule in DPDK's words.

import { defineCommand } from "../../../internal/cli/command.ts";
import { json } from "../../../internal/output/json.ts";
import { PLACE_ARGS } from "../channel.ts";
import { withPlace } from "../with-place.ts";
import { POLICY_ARGS, policyOf } from "./args.ts";

export default defineCommand({
  meta: {
    name: "send",
    summary: "give the host a rule to follow for this VM, in place of the one before",
    details:
      "TIME: the highest frequency in --busy-hours, the lowest in --quiet-hours, by packets in --traffic-hours, else as it is; the hours are\n" +
      "the host's. TRAFFIC: by the packets a second that --mac receives: from --max on the highest, from --avg on the medium frequency, else\n" +
      "the lowest. WORKLOAD: the highest, medium or lowest. BRANCH_RATIO: by the branch misses of a program that polls.\n" +
      'Lists and hours are written as DPDK does: 1,3,5-7. JSON: {"port", "outcome", "message"}.',
    examples: [
      "vmpower-guest policy send --type TIME --vcpus 0-3 --busy-hours 8-17 --quiet-hours 0-6,22,23",
      "vmpower-guest policy send --type TRAFFIC --vcpus 0 --mac 52:54:00:12:34:56 --avg 100000 --max 500000",
      "vmpower-guest policy send --type WORKLOAD --vcpus 0,1 --workload low",
    ],
  },
  args: { ...POLICY_ARGS, ...PLACE_ARGS },
  async run({ args, io }) {
    const policy = policyOf(args);
    return await withPlace(args, io, async (place) => {
      const { port, outcome, message, status } = await place.policy(policy);
      if (args.json) io.out(json({ port, outcome, message }));
      else if (message === null) io.out(`Policy ${args.type} taken by the host`);
      else io.err(message);
      return status;
    });
  },
});
