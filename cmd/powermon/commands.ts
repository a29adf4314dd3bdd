// What powermon can be told: the one table from which the executable, its help, manual and completions are made.

import type { Program } from "../../internal/cli/main.ts";
import { version } from "../../package.json";

/** powermon as words. Each command's module is loaded when it is called or described, not before. */
export const POWERMON: Program = {
  name: "powermon",
  version,
  summary: "lets virtual machines manage the clock of the CPUs they run on",
  commands: {
    run: () => import("./run.ts"),
    restore: () => import("./restore.ts"),
  },
};
