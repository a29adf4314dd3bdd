// vmpower-guest policy: lets the host follow a rule instead of single requests, in DPDK's words.

import { type Args, defineCommand, type Io } from "../../internal/cli/command.ts";
import { json } from "../../internal/output/json.ts";
import type { GuestPolicy } from "../../internal/values/request.ts";
import { loaded } from "../loaded.ts";
import { PLACE_ARGS } from "./channel.ts";
import { POLICY_ARGS, policyOf } from "./policy/args.ts";
import { withPlace } from "./with-place.ts";

/** Sends the policy, or takes it back when it is undefined, and prints `done` or why not. */
const say = (args: Args<typeof PLACE_ARGS>, io: Io, policy: GuestPolicy | undefined, done: string) =>
  withPlace(args, io, async (place) => {
    const { port, outcome, message, status } = await place.policy(policy);
    if (args.json) io.out(json({ port, outcome, message }));
    else if (message === null) io.out(done);
    else io.err(message);
    return status;
  });

export default defineCommand({
  meta: { name: "policy", summary: "give the host a rule to follow for this VM, or take it back" },
  commands: loaded(
    defineCommand({
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
      run: ({ args, io }) => say(args, io, policyOf(args), `Policy ${args.type} taken by the host`),
    }),
    defineCommand({
      meta: {
        name: "remove",
        summary: "take this VM's policy back",
        details:
          "DPDK's packets have no answer to this: through a port it is done when it is sent; through an agent and powermon it is answered.\n" +
          'JSON: {"port", "outcome", "message"}.',
        examples: ["vmpower-guest policy remove"],
      },
      args: PLACE_ARGS,
      run: ({ args, io }) => say(args, io, undefined, "Policy removed"),
    }),
  ),
});
