// powermon: the host's executable. Names its commands; everything else is in internal/.

import type { Io } from "../internal/cli/command.ts";
import { main } from "../internal/cli/main.ts";
import { version } from "../package.json";

const io: Io = {
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  isTTY: process.stdout.isTTY,
  env: process.env,
};

process.exitCode = await main(
  {
    name: "powermon",
    version,
    summary: "lets virtual machines manage the clock of the CPUs they run on",
    commands: {
      run: () => import("./powermon/run.ts"),
      restore: () => import("./powermon/restore.ts"),
      capabilities: () => import("./powermon/capabilities.ts"),
    },
  },
  process.argv.slice(2),
  io,
);
