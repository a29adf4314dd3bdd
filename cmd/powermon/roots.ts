// Where a command finds the machine: the same three flags wherever one is touched.

import { accessSync, constants } from "node:fs";
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

/** A folder that stands for /sys or /proc. The machine's own may be missing, as in a container: who needs it says so. */
const standIn = (own: string) =>
  v.pipe(
    absolutePath,
    v.check((path) => path === own || isOpen(path), "must be a folder that this user may look into"),
  );

function isOpen(folder: string): boolean {
  try {
    accessSync(`${folder}/.`, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What stands for the machine. */
export const MACHINE_WORDS = { "sysfs-root": standIn("/sys"), "proc-root": standIn("/proc") };

const RootWords = v.object({
  ...MACHINE_WORDS,
  "state-dir": absolutePath,
});

/**
 * Returns what ROOT_ARGS were given as; `stateDir` is where a boot's records are. What is known to hang there is left alone from now on:
 * this command would hang, too. Errors: UsageError for an empty path, and for a folder that is not there.
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
