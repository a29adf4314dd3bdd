// What can be said at the guest's prompt: our own commands with the shell's flags, DPDK's, and the way out.

import {
  type AnyArgs,
  type ArgDef,
  type Command,
  type Commands,
  defineCommand,
} from "../../../internal/cli/command.ts";
import { main } from "../../../internal/cli/main.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import type { Shell } from "../../shell/talk.ts";
import { VMPOWER_GUEST } from "../commands.ts";
import { dpdkCommands } from "./dpdk.ts";

/** Returns the program of a prompt whose commands have `flags` where nothing else is said. */
export function shellProgram(flags: AnyArgs): Shell {
  let hasQuit = false;
  const { agent: _agent, shell: _shell, __complete, ...ours } = VMPOWER_GUEST.commands;
  const quit = defineCommand({
    meta: { name: "quit", summary: "leave the shell" },
    args: {},
    run() {
      hasQuit = true;
      return STATUS.done;
    },
  });
  const asking = withFlags(ours, flags);
  const commands = {
    ...asking,
    ...dpdkCommands((words, io) => main({ ...VMPOWER_GUEST, commands: asking }, words, io)),
    quit: async () => ({ default: quit }),
  };
  return { program: { ...VMPOWER_GUEST, commands }, hasQuit: () => hasQuit };
}

function withFlags(commands: Commands, flags: AnyArgs): Commands {
  return Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [
      name,
      async () => ({ default: bind((await load()).default, flags) }),
    ]),
  );
}

function bind(command: Command, flags: AnyArgs): Command {
  if ("commands" in command) return { ...command, commands: withFlags(command.commands, flags) };
  const args = Object.entries(command.args).map(([key, def]): [string, ArgDef] => {
    const given = flags[key];
    const takes = typeof given === "string" && (def.type === "string" || def.type === "enum");
    return [key, takes ? { ...def, default: given } : def];
  });
  return { ...command, args: Object.fromEntries(args) };
}
