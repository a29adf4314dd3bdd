// Runs powermon's command line in this process and keeps what it said.

import { main } from "../../../internal/cli/main.ts";
import type { Commands } from "../../../internal/cli/command.ts";

const COMMANDS: Commands = {
  capabilities: () => import("../../../cmd/powermon/capabilities.ts"),
};

/** Resolves to the status and all that was written, lines joined. */
export async function runPowermon(argv: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const status = await main({ name: "powermon", version: "0", summary: "", commands: COMMANDS }, argv, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    isTTY: false,
  });
  return { status, out: out.join("\n"), err: err.join("\n") };
}
