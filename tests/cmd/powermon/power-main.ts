// Runs powermon's command line in this process and keeps what it said.

import { POWERMON } from "../../../cmd/powermon/commands.ts";
import { main } from "../../../internal/cli/main.ts";

/** Resolves to the status and all that was written, lines joined. */
export async function runPowermon(argv: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await main(POWERMON, argv, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    isTTY: false,
  });
  return { status, out: out.join("\n"), err: err.join("\n") };
}
