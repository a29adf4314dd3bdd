// What can be said at the shell's prompt: powermon's own commands with the shell's socket, DPDK's, and the way out.

import { type Command, type Commands, defineCommand } from "../../../internal/cli/command.ts";
import { main } from "../../../internal/cli/main.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import type { Shell } from "../../shell/talk.ts";
import { POWERMON } from "../commands.ts";
import { dpdkCommands } from "./dpdk.ts";

/** Returns the program of a prompt whose commands ask at `socket`. */
export function shellProgram(socket: string): Shell {
  let hasQuit = false;
  const { run: _run, shell: _shell, ...ours } = POWERMON.commands;
  const quit = defineCommand({
    meta: { name: "quit", summary: "leave the shell; powermon goes on" },
    args: {},
    run() {
      hasQuit = true;
      return STATUS.done;
    },
  });
  const asking = withSocket(ours, socket);
  const commands = {
    ...asking,
    ...dpdkCommands((words, io) => main({ ...POWERMON, commands: asking }, words, io)),
    quit: async () => ({ default: quit }),
  };
  return { program: { ...POWERMON, commands }, hasQuit: () => hasQuit };
}

/** Returns `commands` with `socket` as the default of --socket, wherever there is one. */
function withSocket(commands: Commands, socket: string): Commands {
  return Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [
      name,
      async () => ({ default: bind((await load()).default, socket) }),
    ]),
  );
}

function bind(command: Command, socket: string): Command {
  if ("commands" in command) return { ...command, commands: withSocket(command.commands, socket) };
  const def = command.args["socket"];
  return def?.type === "string"
    ? { ...command, args: { ...command.args, socket: { ...def, default: socket } } }
    : command;
}
