// Runs powermon's commands in this process: fast enough for a table of words.

import type { Io } from "../../../internal/cli/command.ts";
import { main } from "../../../internal/cli/main.ts";
import { POWERMON } from "../../../cmd/powermon/commands.ts";

/** Runs powermon with `words` and returns what it left: status, standard output and error. */
export async function call(...words: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = { out: (text) => out.push(text), err: (text) => err.push(text), isTTY: false };
  const status = await main(POWERMON, words, io);
  return { status, out: out.join("\n"), err: err.join("\n") };
}
