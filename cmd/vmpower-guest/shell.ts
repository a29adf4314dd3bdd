// vmpower-guest shell: a prompt for people, and DPDK's scripts from standard input.

import { defineCommand } from "../../internal/cli/command.ts";
import { listPorts } from "../../internal/guest/port.ts";
import { talk } from "../shell/talk.ts";
import { channelOf, PLACE_ARGS } from "./channel.ts";
import { shellProgram } from "../shell/program.ts";
import { VMPOWER_GUEST } from "./commands.ts";
import { dpdkCommands } from "./shell/dpdk.ts";

const { json: _json, ...FLAGS } = PLACE_ARGS;

export default defineCommand({
  meta: {
    name: "shell",
    summary: "take commands at a prompt or from a script, DPDK's by their names too",
    details:
      "Every command of vmpower-guest but agent, with the flags that were given here, and set_cpu_freq, query_cpu_freq, query_cpu_caps,\n" +
      "send_policy now and quit as at the prompt of DPDK's guest_cli. send_policy sends the policy that the flags after it describe. At a\n" +
      "terminal with history and completion by Tab; else the lines of standard input are run until one fails. # starts a comment.",
    examples: ["vmpower-guest shell", "vmpower-guest shell --vm-name vm1 < script"],
  },
  args: FLAGS,
  async run({ args, io }) {
    const { portDir } = channelOf({ ...args, json: false });
    const names = async (key: string) => (key === "vcpu" ? listPorts(portDir).map(String) : []);
    const left = ["agent", "shell", "__complete"];
    return await talk(shellProgram(VMPOWER_GUEST, left, args, dpdkCommands, "leave the shell"), names, io);
  },
});
