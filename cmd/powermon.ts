// powermon: the host's executable. Its commands are in powermon/commands.ts; everything else is in internal/.

import type { Io } from "../internal/cli/command.ts";
import { main } from "../internal/cli/main.ts";
import { printable } from "../internal/values/printable.ts";
import { POWERMON } from "./powermon/commands.ts";

const io: Io = {
  out: (text) => console.log(printable(text)),
  err: (text) => console.error(printable(text)),
  isTTY: process.stdout.isTTY,
  env: process.env,
};

process.exitCode = await main(POWERMON, process.argv.slice(2), io);
