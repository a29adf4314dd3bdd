// What vmpower-guest can be told: the one table from which the executable, its help, manual and completions are made.

import type { Program } from "../../internal/cli/main.ts";
import { version } from "../../package.json";

/** vmpower-guest as words. Each command's module is loaded when it is called or described, not before. */
export const VMPOWER_GUEST: Program = {
  name: "vmpower-guest",
  version,
  summary: "asks the host to change the clock of this VM's vCPUs",
  commands: {
    scale: () => import("./scale.ts"),
    release: () => import("./release.ts"),
    freq: () => import("./freq.ts"),
    caps: () => import("./caps.ts"),
    energy: () => import("./energy.ts"),
    policy: () => import("./policy.ts"),
    probe: () => import("./probe.ts"),
    agent: () => import("./agent.ts"),
    shell: () => import("./shell.ts"),
    __complete: () => import("./complete.ts"),
  },
};
