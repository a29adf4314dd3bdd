// vmpower-guest: the guest's executable. Names its commands; everything else is in internal/.

import type { Io } from "../internal/cli/command.ts";
import { main } from "../internal/cli/main.ts";
import { version } from "../package.json";

const io: Io = {
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  get isTTY() {
    return process.stdout.isTTY;
  },
  env: process.env,
};

process.exitCode = await main(
  {
    name: "vmpower-guest",
    version,
    summary: "asks the host to change the clock of this VM's vCPUs",
    commands: {
      scale: () => import("./vmpower-guest/scale.ts"),
      freq: () => import("./vmpower-guest/freq.ts"),
      caps: () => import("./vmpower-guest/caps.ts"),
      probe: () => import("./vmpower-guest/probe.ts"),
    },
  },
  process.argv.slice(2),
  io,
);
