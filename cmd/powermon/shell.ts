// powermon shell: a prompt for people, and DPDK's scripts from standard input.

import * as v from "valibot";
import { parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { ControlClient } from "../../internal/control/client.ts";
import { CONTROL_ARGS } from "./control.ts";
import { absolutePath } from "./roots.ts";
import { KEEP_GOING, talk } from "../shell/talk.ts";
import { shellProgram } from "../shell/program.ts";
import { POWERMON } from "./commands.ts";
import { dpdkCommands } from "./shell/dpdk.ts";

/** Tab does not wait longer than this for the names of the VMs, in ms. */
const NAMES_MS = 500;

export default defineCommand({
  meta: {
    name: "shell",
    summary: "take commands at a prompt or from a script, DPDK's by their names too",
    details:
      "Every command of powermon but run, and add_vm, rm_vm, show_vm, add_channels, set_channel_status, set_pcpu, set_pcpu_mask, set_query, show_cpu_freq, set_cpu_freq, both with _mask too, ? and quit as at the prompt of DPDK's vm_power_manager. At a terminal with history and completion by Tab; else the lines of standard input are run until one fails, or all with --keep-going: the number of a line that failed is told and the status is 1. # starts a comment.",
    examples: ["powermon shell", "powermon shell < script"],
  },
  args: { socket: CONTROL_ARGS.socket, ...KEEP_GOING },
  async run({ args, io }) {
    const { socket } = parseArgs(v.object({ socket: absolutePath }), args);
    const client = new ControlClient(socket, NAMES_MS);
    const vmNames = async (key: string) => {
      const vms = key === "vm" ? await client.ask("vms") : undefined;
      return vms?.ok ? vms.value.map(({ vm }) => vm) : [];
    };
    const leave = "leave the shell; powermon goes on";
    const shell = shellProgram(POWERMON, ["run", "shell"], { socket }, dpdkCommands, leave);
    return await talk(shell, vmNames, io, args.keepGoing);
  },
});
