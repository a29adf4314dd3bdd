// vmpower-guest shell: a prompt for people, and DPDK's scripts from standard input.

import { type Args, defineCommand } from "../../internal/cli/command.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { kebab } from "../../internal/cli/words.ts";
import { listPorts } from "../../internal/guest/port.ts";
import { KEEP_GOING, talk } from "../shell/talk.ts";
import { channelOf, PLACE_ARGS } from "./channel.ts";
import { type Call, shellProgram } from "../shell/program.ts";
import { VMPOWER_GUEST } from "./commands.ts";
import { POLICY_ARGS } from "./policy/args.ts";
import { dpdkCommands } from "./shell/dpdk.ts";

const { json: _json, ...FLAGS } = PLACE_ARGS;
const { type: _type, vcpus: _vcpus, ...RULE } = POLICY_ARGS;
/** guest_cli's own start options, and what else a policy may have. Source: DPDK examples/vm_power_manager/guest_cli/main.c, parse_args. */
const POLICY = {
  policy: { ...POLICY_ARGS.type, required: false, description: "kind of rule that send_policy now sends" },
  vcpuList: { ...POLICY_ARGS.vcpus, required: false, description: "vCPUs that it is for, at most 8" },
  ...RULE,
} as const;

/** Returns the flags of policy send that POLICY stands for; none without --policy. Errors: UsageError. */
function policyWords(args: Args<typeof POLICY>): readonly string[] {
  const { policy: type, vcpuList: vcpus, turbo, ...rule } = args;
  const given = Object.entries({ vcpus, ...rule }).flatMap(([key, value]) =>
    value === undefined ? [] : [`--${kebab(key)}`, value],
  );
  if (turbo) given.push("--turbo");
  if (type === undefined && given.length > 0)
    throw new UsageError("--policy is missing; the other flags of a policy go with it.");
  return type === undefined ? [] : ["--type", type, ...given];
}

export default defineCommand({
  meta: {
    name: "shell",
    summary: "take commands at a prompt or from a script, DPDK's by their names too",
    details:
      "Every command of vmpower-guest but agent, with the flags that were given here, and set_cpu_freq, query_cpu_freq, query_cpu_caps,\n" +
      "send_policy now, ? and quit as at the prompt of DPDK's guest_cli. send_policy sends the policy that --policy and its flags describe, as\n" +
      "guest_cli's own options do, or the one that the flags after it describe. At a terminal with history and completion by Tab; else the\n" +
      "lines of standard input are run until one fails, or all with --keep-going. # starts a comment.",
    examples: [
      "vmpower-guest shell",
      "vmpower-guest shell --vm-name vm1 --policy TIME --vcpu-list 0,1 --busy-hours 8-17 --quiet-hours 0-6 < script",
    ],
  },
  args: { ...FLAGS, ...POLICY, ...KEEP_GOING },
  async run({ args: { keepGoing, ...given }, io }) {
    const { policy, vcpuList, busyHours, quietHours, trafficHours, mac, avg, max, workload, turbo, ...args } =
      given;
    const words = policyWords({
      ...{ policy, vcpuList, busyHours, quietHours, trafficHours, mac, avg, max, workload, turbo },
    });
    const { portDir } = channelOf({ ...args, json: false });
    const names = async (key: string) => (key === "vcpu" ? listPorts(portDir).map(String) : []);
    const left = ["agent", "shell", "__complete"];
    const theirs = (call: Call) => dpdkCommands(call, words);
    const shell = shellProgram(VMPOWER_GUEST, left, args, theirs, "leave the shell");
    return await talk(shell, names, io, keepGoing);
  },
});
