// From argv to an exit status, the same way for both executables: typos, help, crashes.

import { type Command, type Commands, type Io, isHidden } from "./command.ts";
import type { Code } from "../values/answer.ts";
import { nearest } from "../values/nearest.ts";
import { STATUS, type Status } from "./status.ts";
import { UsageError } from "./usage-error.ts";
import { isFlag, parseWords, quote } from "./words.ts";

export interface Program {
  readonly name: string;
  readonly version: string;
  /** One line, no full stop. */
  readonly summary: string;
  readonly commands: Commands;
}

/**
 * Runs the command that `argv` (without interpreter and script) names and returns its status. --version, --help and -h at
 * every level, and `help COMMAND`, write to `io.out` and are done. A command line that can't be run writes one sentence, a missing
 * command the help, to `io.err` and is usage. Anything else a command throws is a bug: said on `io.err`, with its stack when DEBUG
 * is set, and failed.
 */
export async function main(program: Program, argv: readonly string[], io: Io): Promise<Status> {
  try {
    if (argv[0] === "--version") {
      if (argv.length > 1) throw new UsageError("--version stands alone; nothing may follow it.");
      io.out(`${program.name} ${program.version}`);
      return STATUS.done;
    }
    return await dispatch(program, argv, io);
  } catch (error) {
    if (error instanceof UsageError) {
      if (wantsJson(argv)) io.out(errorDocument("invalid", error.message));
      else io.err(`${program.name}: ${error.message}`);
      return STATUS.usage;
    }
    const hint = io.env?.DEBUG ? "" : " (DEBUG=1 shows where)";
    const message = `internal error: ${error instanceof Error ? error.message : String(error)}${hint}`;
    if (wantsJson(argv)) io.out(errorDocument("failed", message));
    else io.err(`${program.name}: ${message}`);
    if (io.env?.DEBUG && error instanceof Error) io.err(error.stack ?? "");
    return STATUS.failed;
  }
}

/** Whether a program reads what is written: then an error is a document too, on standard output, as commands write theirs. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}

const errorDocument = (code: Code, message: string) =>
  JSON.stringify({ error: { code, message } }, undefined, 2);

async function dispatch(program: Program, argv: readonly string[], io: Io): Promise<Status> {
  const end = argv.indexOf("--");
  const beforeEnd = end < 0 ? argv : argv.slice(0, end);
  let wantsHelp = beforeEnd.some((word) => word === "--help" || word === "-h");
  let command: Command = {
    meta: { name: program.name, summary: program.summary },
    commands: program.commands,
  };
  let path = program.name;
  let rest = argv;
  while ("commands" in command) {
    const word: string | undefined = rest[0];
    if (word === "help" && !Object.hasOwn(command.commands, word)) {
      wantsHelp = true;
      rest = rest.slice(1);
      continue;
    }
    if (word === undefined || (wantsHelp && isFlag(word))) {
      const text = await helpOf(command, path, program);
      if (wantsHelp) io.out(text);
      else io.err(text);
      return wantsHelp ? STATUS.done : STATUS.usage;
    }
    const { otherwise } = command;
    const isMeant = Object.hasOwn(command.commands, word) || isFlag(word);
    if (otherwise !== undefined && !isMeant && (rest[1] === undefined || isFlag(rest[1]))) {
      command = await find(command.commands, otherwise, path, rest);
      path = `${path} ${otherwise}`;
      continue;
    }
    command = await find(command.commands, word, path, rest);
    path = `${path} ${word}`;
    rest = rest.slice(1);
  }
  if (wantsHelp) {
    io.out(await helpOf(command, path, program));
    return STATUS.done;
  }
  return await command.run({ args: parseWords(command.args, rest), io });
}

async function helpOf(command: Command, path: string, program: Program): Promise<string> {
  const { help } = await import("./help.ts");
  return await help(command, path, program.version);
}

async function find(
  commands: Commands,
  word: string,
  path: string,
  rest: readonly string[],
): Promise<Command> {
  const load = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (load !== undefined) return (await load()).default;
  if (isFlag(word)) {
    const known = path.includes(" ") ? ["--help"] : ["--help", "--version"];
    const near = nearest(word, known);
    if (near !== undefined) throw new UsageError(`unknown flag ${quote(word)}; did you mean ${near}?`);
    const next = rest.find((other) => Object.hasOwn(commands, other));
    throw new UsageError(`the command comes before its flags; write ${path} ${next ?? "COMMAND"} ${word}.`);
  }
  const names = Object.keys(commands).filter((name) => !isHidden(name));
  const near = nearest(word, names);
  const instead = near === undefined ? `the commands are ${names.join(", ")}.` : `did you mean ${near}?`;
  const words = path.split(" ").slice(1).concat(word).join(" ");
  throw new UsageError(`unknown command ${quote(words)}; ${instead}`);
}
