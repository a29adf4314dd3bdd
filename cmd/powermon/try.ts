// powermon __try: touches a file that hung, in a process of its own, which may hang in it for ever.

import * as v from "valibot";
import { parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { runCommand } from "../../internal/os/spawn.ts";
import type { TryCall } from "../../internal/daemon/hung-calls.ts";
import { tryCall } from "../../internal/sysfs/cpufreq/try-call.ts";
import type { Roots } from "../../internal/sysfs/cpufreq/originals.ts";
import { absolutePath } from "./roots.ts";

/** How long a file may take, in ms; what does not hang takes some tens, most of them to start. */
const TRY_MS = 3000;

const Words = v.object({ path: absolutePath, sys: absolutePath, proc: absolutePath, state: absolutePath });

export default defineCommand({
  meta: { name: "__try", summary: "touch a file that hung" },
  args: {
    path: { type: "positional", valueHint: "FILE", description: "the file" },
    sys: { type: "positional", valueHint: "DIR", description: "stands for /sys" },
    proc: { type: "positional", valueHint: "DIR", description: "stands for /proc" },
    state: { type: "positional", valueHint: "DIR", description: "where the original settings are" },
  },
  run({ args }) {
    const { path, sys, proc, state } = parseArgs(Words, args);
    tryCall({ sysfsRoot: sys, procRoot: proc, stateDir: state }, path);
    return STATUS.done;
  },
});

/** Returns who tries files of the machine at `roots`: this program, started anew. One that can't be started does not come back. */
export const tryAnew =
  ({ sysfsRoot, procRoot, stateDir }: Roots): TryCall =>
  async (path, started) => {
    // The executable has its program within; where Bun runs the source, that is named.
    const self = Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
    const words = [...self, "__try", path, sysfsRoot, procRoot, stateDir];
    const ended = await runCommand(words, { limitMs: TRY_MS, started });
    return ended.ok && ended.value.status === STATUS.done;
  };
