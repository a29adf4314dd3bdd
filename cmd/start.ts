// Both executables from their words to their status, on the process's own outputs.

import type { Io } from "../internal/cli/command.ts";
import { main, type Program } from "../internal/cli/main.ts";
import { STATUS, type Status } from "../internal/cli/status.ts";
import { leave } from "../internal/os/leave.ts";
import { isJournal } from "../internal/os/standard-error.ts";
import { ERR, OUT, StandardOutput } from "../internal/os/standard-output.ts";
import { followTimeZone } from "../internal/os/time-zone.ts";
import { isTerminal } from "../internal/os/terminal.ts";
import { printable } from "../internal/values/printable.ts";

/** What ends a program by default, with its number; a shell calls such an end 128 and the number. Source: signal(7). */
const SIGNALS = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const;

/** What marks a line as an error for the journal. Source: sd-daemon(3), SD_ERR. */
const AS_ERROR = "<3>";

/**
 * Runs `program` with this process's words and returns its status. A reader that left is no failure: it had what it wanted. What
 * else keeps standard output from being written whole is one sentence, and failed.
 */
export async function start(program: Program): Promise<Status> {
  const out = new StandardOutput(OUT);
  const err = new StandardOutput(ERR);
  const mark = isJournal(process.env["JOURNAL_STREAM"]) ? AS_ERROR : "";
  const io: Io = {
    out: (text) => out.line(printable(text)),
    err: (text) => err.line(printable(text).replaceAll(/^/gm, mark)),
    isCut: () => out.failure !== undefined,
    get isTTY() {
      return isTerminal(OUT);
    },
    env: process.env,
  };
  // The runtime takes a TZ that it doesn't understand for UTC.
  if (process.env["TZ"] !== undefined) followTimeZone();
  if (process.pid === 1) endAsFirst();
  const status = await main(program, process.argv.slice(2), io);
  if (out.failure === undefined || out.failure === "EPIPE") return status;
  const why = out.failure === "EBADF" ? "it is closed" : out.failure;
  io.err(`${program.name}: Cannot write to standard output: ${why}; what is there is not all of it.`);
  return status === STATUS.done ? STATUS.failed : status;
}

/** The kernel keeps signals without a handler from process 1, as in a container: there it ends by its own hand. Source: kill(2). */
function endAsFirst(): void {
  for (const [signal, number] of SIGNALS) {
    process.on(signal, () => {
      // A command with a handler of its own knows better.
      if (process.listenerCount(signal) === 1) leave(128 + number);
    });
  }
}
