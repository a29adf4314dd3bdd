// powermon shell: a prompt for people, and DPDK's scripts from standard input.

import { createInterface } from "node:readline";
import * as v from "valibot";
import { parseArgs } from "../../internal/cli/args.ts";
import { defineCommand, type Io } from "../../internal/cli/command.ts";
import { complete } from "../../internal/cli/complete.ts";
import { main } from "../../internal/cli/main.ts";
import { shellWordsOf } from "../../internal/cli/shell-line.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { ControlClient } from "../../internal/control/client.ts";
import { CONTROL_ARGS } from "./control.ts";
import { absolutePath } from "./roots.ts";
import { type Shell, shellProgram } from "./shell/commands.ts";

const PROMPT = "powermon> ";
/** Tab does not wait longer than this for the names of the VMs, in ms. */
const NAMES_MS = 500;

export default defineCommand({
  meta: {
    name: "shell",
    summary: "take commands at a prompt or from a script, DPDK's by their names too",
    details:
      "Every command of powermon but run, and add_vm, rm_vm, show_vm, add_channels, set_channel_status, set_pcpu, set_query, show_cpu_freq, set_cpu_freq and quit as at the prompt of DPDK's vm_power_manager. At a terminal with history and completion by Tab; else the lines of standard input are run until one fails: then the number of that line is told and the status is 1. # starts a comment.",
    examples: ["powermon shell", "powermon shell < script"],
  },
  args: { socket: CONTROL_ARGS.socket },
  async run({ args, io }) {
    const { socket } = parseArgs(v.object({ socket: absolutePath }), args);
    return process.stdin.isTTY ? await converse(socket, io) : await runScript(shellProgram(socket), io);
  },
});

/** Runs the lines of standard input until one fails. */
async function runScript(shell: Shell, io: Io): Promise<Status> {
  let number = 0;
  for await (const line of linesOf(Bun.stdin.stream())) {
    number++;
    const status = await runLine(shell, line, io);
    if (status !== STATUS.done) {
      io.err(`Line ${number} failed with status ${status}: ${line.trim()}`);
      return STATUS.failed;
    }
    if (shell.hasQuit()) break;
  }
  return STATUS.done;
}

/** Talks with a person until quit or the end of input. A failed command ends nothing. */
async function converse(socket: string, io: Io): Promise<Status> {
  let interrupt: (() => void) | undefined;
  const shell = shellProgram(socket);
  const client = new ControlClient(socket, NAMES_MS);
  const vmNames = async (key: string) => {
    const vms = key === "vm" ? await client.vms() : undefined;
    return vms?.ok ? vms.value.map(({ vm }) => vm) : [];
  };
  const prompt = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: PROMPT,
    completer: (line: string, done: (error: null, found: [string[], string]) => void) =>
      void complete(shell.program.commands, line, vmNames).then((found) => done(null, found)),
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
  return words.value.length === 0 ? STATUS.done : await main(program, words.value, io);
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
