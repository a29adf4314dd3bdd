// What can be said at a prompt: a program's own commands with other defaults, DPDK's by their names, and the way out.

import {
  type ArgDef,
  type Args,
  type ArgsDef,
  type Command,
  type Commands,
  defineCommand,
  type Io,
  type Leaf,
} from "../../internal/cli/command.ts";
import { main, type Program } from "../../internal/cli/main.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { loaded } from "../loaded.ts";
import type { Shell } from "./talk.ts";

/** Runs a command of the program's own. */
export type Call = (words: readonly string[], io: Io) => Promise<Status>;

/** Where a clock goes, in DPDK's words. */
export const DPDK_STEP = {
  type: "positional",
  options: ["up", "down", "min", "max", "enable_turbo", "disable_turbo"],
  description: "where to",
} as const;

/** Returns our word for one of DPDK_STEP. */
export function stepOf(word: string): string {
  return word.replace("enable_turbo", "turbo-on").replace("disable_turbo", "turbo-off");
}

/**
 * Returns a command of DPDK's that does what `ours` does.
 * @param whose the program that DPDK has it in
 */
export function dpdk<const T extends ArgsDef>(
  whose: string,
  name: string,
  ours: string,
  args: T,
  run: (args: Args<T>, io: Io) => Promise<Status> | Status,
): Leaf {
  return defineCommand({
    meta: { name, summary: `as DPDK's ${whose}; ours: ${ours}` },
    args,
    run: (context) => run(context.args, context.io),
  });
}

/**
 * Returns the program of a prompt.
 * @param left the program's commands that mean nothing there
 * @param defaults values that stand where nothing else is said, by the flag's key
 * @param more returns DPDK's commands
 * @param leave what `quit` does, as its help says
 */
export function shellProgram(
  program: Program,
  left: readonly string[],
  defaults: Readonly<Record<string, unknown>>,
  more: (call: Call) => readonly Command[],
  leave: string,
): Shell {
  let hasQuit = false;
  const quit = defineCommand({
    meta: { name: "quit", summary: leave },
    args: {},
    run() {
      hasQuit = true;
      return STATUS.done;
    },
  });
  const ours = Object.entries(program.commands).filter(([name]) => !left.includes(name));
  const asking = withDefaults(Object.fromEntries(ours), defaults);
  const call: Call = (words, io) => main({ ...program, commands: asking }, words, io);
  return {
    program: { ...program, commands: { ...asking, ...loaded(...more(call), quit) } },
    hasQuit: () => hasQuit,
  };
}

function withDefaults(commands: Commands, defaults: Readonly<Record<string, unknown>>): Commands {
  return Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [
      name,
      async () => ({ default: bind((await load()).default, defaults) }),
    ]),
  );
}

function bind(command: Command, defaults: Readonly<Record<string, unknown>>): Command {
  if ("commands" in command) return { ...command, commands: withDefaults(command.commands, defaults) };
  const args = Object.entries(command.args).map(([key, def]): [string, ArgDef] => {
    const given = defaults[key];
    const takes = typeof given === "string" && (def.type === "string" || def.type === "enum");
    return [key, takes ? { ...def, default: given } : def];
  });
  return { ...command, args: Object.fromEntries(args) };
}
