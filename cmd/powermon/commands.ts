// What powermon can be told: the one table from which the executable, its shell, help, manual and completions are made.

import type { Program } from "../../internal/cli/main.ts";
import { version } from "../../package.json";

/** powermon as words. Each command's module is loaded when it is called or described, not before. */
export const POWERMON: Program = {
  name: "powermon",
  version,
  summary: "lets virtual machines manage the clock of the CPUs they run on",
  commands: {
    run: () => import("./run.ts"),
    status: () => import("./status.ts"),
    vm: () => import("./vm.ts"),
    channel: () => import("./channel.ts"),
    freq: () => import("./freq.ts"),
    policy: () => import("./policy.ts"),
    explain: () => import("./explain.ts"),
    events: () => import("./events.ts"),
    top: () => import("./top.ts"),
    metrics: () => import("./metrics.ts"),
    reload: () => import("./reload.ts"),
    restore: () => import("./restore.ts"),
    check: () => import("./check.ts"),
    setup: () => import("./setup.ts"),
    shell: () => import("./shell.ts"),
    profile: () => import("./profile.ts"),
    capabilities: () => import("./capabilities.ts"),
    suspend: () => import("./suspend.ts"),
    budget: () => import("./budget.ts"),
    energy: () => import("./energy.ts"),
    fleet: () => import("./fleet.ts"),
    __complete: () => import("./complete.ts"),
    __try: () => import("./try.ts"),
  },
};
