// A program's command table, loaded whole: manuals and completions read it, so that neither can miss a command or a flag.

import { type ArgsDef, type Command, isHidden, type Meta } from "../internal/cli/command.ts";
import type { Program } from "../internal/cli/main.ts";

/** A command with everything under it. */
export interface CommandNode {
  /** The words after the program's name, empty for the program itself. */
  readonly words: readonly string[];
  readonly meta: Meta;
  /** What a command that runs takes; undefined for one that only holds others. */
  readonly args: ArgsDef | undefined;
  readonly commands: readonly CommandNode[];
  /** The one of them that a single word means which is none of their names. */
  readonly otherwise?: string | undefined;
}

/** Returns the commands of `program`, those left out of its help not among them. */
export async function loadTree(program: Program): Promise<CommandNode> {
  return await load(
    { meta: { name: program.name, summary: program.summary }, commands: program.commands },
    [],
  );
}

async function load(command: Command, words: readonly string[]): Promise<CommandNode> {
  const { meta } = command;
  if (!("commands" in command)) return { words, meta, args: command.args, commands: [] };
  const shown = Object.entries(command.commands).filter(([name]) => !isHidden(name));
  const commands = await Promise.all(
    shown.map(async ([name, loader]) => await load((await loader()).default, [...words, name])),
  );
  return { words, meta, args: undefined, commands, otherwise: command.otherwise };
}

/** Returns `node` and all under it, in the order of the tables. */
export function everyCommand(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(everyCommand)];
}
