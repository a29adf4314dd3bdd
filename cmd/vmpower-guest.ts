// vmpower-guest: the guest's executable. Its commands are in vmpower-guest/commands.ts; everything else is in internal/.

import type { Io } from "../internal/cli/command.ts";
import { main } from "../internal/cli/main.ts";
import { printable } from "../internal/values/printable.ts";
import { VMPOWER_GUEST } from "./vmpower-guest/commands.ts";

const io: Io = {
  out: (text) => console.log(printable(text)),
  err: (text) => console.error(printable(text)),
  get isTTY() {
    return process.stdout.isTTY;
  },
  env: process.env,
};

process.exitCode = await main(VMPOWER_GUEST, process.argv.slice(2), io);
