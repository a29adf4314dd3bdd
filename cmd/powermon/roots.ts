// Where a command finds the machine: the same three flags wherever one is touched.

import { resolve } from "node:path";
import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { DEFAULTS } from "../../internal/config/defaults.ts";
import { leaveAlone } from "../../internal/sysfs/calls.ts";
import { readHung } from "../../internal/sysfs/hung.ts";
import { runDirOf } from "../../internal/config/load.ts";

/** Flags that stand for /sys, /proc and the state folder, for tests, demos and containers. */
export const ROOT_ARGS = {
  "sysfs-root": { type: "string", default: "/sys", description: "stands for /sys", valueHint: "DIR" },
  "proc-root": { type: "string", default: "/proc", description: "stands for /proc", valueHint: "DIR" },
  "state-dir": {
    type: "string",
    default: DEFAULTS.state_dir,
    description: "where powermon's state is kept; for the default the original settings are in /run/powermon",
    valueHint: "DIR",
  },
} as const;

/** A path, made absolute: the daemon leaves the folder it was started in. */
export const absolutePath = v.pipe(
  nonEmpty,
  v.transform((path) => resolve(path)),
);

const RootWords = v.object({
  "sysfs-root": absolutePath,
  "proc-root": absolutePath,
  "state-dir": absolutePath,
});

/**
 * Returns what ROOT_ARGS were given as; `stateDir` is where a boot's records are. What is known to hang there is left alone from now on:
 * this command would hang, too. Errors: UsageError for an empty path.
 */
export function rootsOf(args: object) {
  const roots = parseArgs(RootWords, args);
  const found = {
    sysfsRoot: roots["sysfs-root"],
    procRoot: roots["proc-root"],
    stateDir: runDirOf(roots["state-dir"]),
  };
  const hung = readHung(found);
  if (hung.ok) leaveAlone(hung.value);
  return found;
}
