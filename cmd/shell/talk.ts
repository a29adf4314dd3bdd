// A prompt for people, and scripts from standard input: both programs' shells differ in their commands alone.

import type { Io } from "../../internal/cli/command.ts";
import { complete } from "../../internal/cli/complete.ts";
import { main, type Program } from "../../internal/cli/main.ts";
import { shellWordsOf } from "../../internal/cli/shell-line.ts";
import { isTerminal } from "../../internal/os/terminal.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";

/** A prompt's program: commands, and whether somebody has said quit. */
export interface Shell {
  readonly program: Program;
  readonly hasQuit: () => boolean;
}

/** Returns what may stand in a command's argument of that key, for Tab. */
export type Names = Parameters<typeof complete>[2];

/** The flag of both shells. */
export const KEEP_GOING = {
  keepGoing: {
    type: "boolean",
    description: "run the lines after one that failed too, as DPDK's prompt does; the status is 1 then",
  },
} as const;

/**
 * Talks with a person at a terminal; else runs the lines of standard input.
 * @param keepGoing whether the lines after one that failed are run
 */
export async function talk(shell: Shell, names: Names, io: Io, keepGoing: boolean): Promise<Status> {
  return isTerminal(0) ? await converse(shell, names, io) : await runScript(shell, io, keepGoing);
}

async function runScript(shell: Shell, io: Io, keepGoing: boolean): Promise<Status> {
  let number = 0;
  let ended: Status = STATUS.done;
  for await (const line of linesOf(Bun.stdin.stream())) {
    number++;
    const status = await runLine(shell, line, io);
    if (status !== STATUS.done) {
      io.err(`Line ${number} failed with status ${status}: ${line.trim()}`);
      ended = STATUS.failed;
      if (!keepGoing) break;
    }
    if (shell.hasQuit()) break;
  }
  return ended;
}

/** Talks with a person until quit or the end of input. A failed command ends nothing. */
async function converse(shell: Shell, names: Names, io: Io): Promise<Status> {
  const { createInterface } = await import("node:readline");
  let interrupt: (() => void) | undefined;
  const prompt = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: `${shell.program.name}> `,
    completer: (line: string, done: (error: null, found: [string[], string]) => void) =>
      void complete(shell.program.commands, line, names).then((found) => done(null, found)),
  });
  prompt.on("SIGINT", () => {
    if (interrupt !== undefined) interrupt();
    else {
      prompt.write(null, { ctrl: true, name: "u" });
      io.out("");
      prompt.prompt();
    }
  });
  prompt.prompt();
  for await (const line of prompt) {
    const interrupted = new Promise<void>((resolve) => (interrupt = resolve));
    await Promise.race([runLine(shell, line, untilThen(interrupted, io)), interrupted]);
    interrupt = undefined;
    if (shell.hasQuit()) break;
    prompt.prompt();
  }
  prompt.close();
  return STATUS.done;
}

/** Returns `io` until `interrupted`: what a command says then is not wanted any more, and it ends at its next word. */
function untilThen(interrupted: Promise<void>, io: Io): Io {
  let isOver = false;
  void interrupted.then(() => (isOver = true));
  const heard = (write: (text: string) => void) => (text: string) => {
    if (isOver) throw new Error("interrupted");
    write(text);
  };
  return { ...io, out: heard(io.out), err: heard(io.err) };
}

async function runLine({ program }: Shell, line: string, io: Io): Promise<Status> {
  const words = shellWordsOf(line);
  if (!words.ok) {
    io.err(words.error);
    return STATUS.usage;
  }
  const [first, ...rest] = words.value;
  if (first === undefined) return STATUS.done;
  // DPDK's word for help.
  return await main(program, [first === "?" ? "help" : first, ...rest], io);
}

async function* linesOf(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bytes) {
    const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
  if (text !== "") yield text;
}
