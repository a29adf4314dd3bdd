// One powermon for a machine's clocks and for a state folder: two would fight over both, and over each other's saved originals.

import { realpathSync, statSync } from "node:fs";
import { DEFAULTS, RUN_DIR } from "../config/defaults.ts";
import { lockHolder, takeLock } from "../os/lock.ts";
import type { Roots } from "../sysfs/cpufreq/originals.ts";
import { err, ok, type Result } from "../values/result.ts";

type Place = Pick<Roots, "sysfsRoot" | "stateDir">;

/** How long a restore waits for another one, in ms: it takes some ms for each clock. */
const RESTORE_MS = 10_000;
const LOOK_MS = 20;

/** Returns where an older powermon kept what is kept in `stateDir` now; undefined where that is the same folder. */
export const olderDirOf = (stateDir: string): string | undefined =>
  stateDir === RUN_DIR ? DEFAULTS.state_dir : undefined;

/** The mark of a running powermon in its state folder. */
const markIn = (stateDir: string): string => `${stateDir}/running.json`;
const restoreMarkIn = (stateDir: string): string => `${stateDir}/restore.lock`;

/** Returns the mark of who sets the clocks of `sysfsRoot`: in the run folder for the machine's own, beside the folder for a stand-in; undefined when there is no such folder. */
function clocksMarkOf(sysfsRoot: string): string | undefined {
  const root = statSync(sysfsRoot, { throwIfNoEntry: false });
  if (root === undefined) return undefined;
  const own = statSync("/sys", { throwIfNoEntry: false });
  // The machine's own may be mounted at a second place, as in a container.
  if (own !== undefined && root.dev === own.dev && root.ino === own.ino) return `${RUN_DIR}/clocks.json`;
  return `${realpathSync(sysfsRoot)}.powermon.json`;
}

/** Returns the pid of the powermon that uses `stateDir` now; undefined when none does. */
export function runningInstance(stateDir: string): number | undefined {
  const older = olderDirOf(stateDir);
  return lockHolder(markIn(stateDir)) ?? (older === undefined ? undefined : lockHolder(markIn(older)));
}

/** The marks of a powermon that runs. */
export interface Instance {
  /** Takes the marks away again. */
  release(): void;
  /** Why others can't see that these clocks are set, a sentence's begin; undefined where they can. */
  readonly unmarked: string | undefined;
}

/**
 * Marks the state folder and the clocks as this process's. Errors: a sentence, when another one uses either or the state folder can't be
 * written.
 */
export function claimInstance({ sysfsRoot, stateDir }: Place): Result<Instance, string> {
  const running = runningInstance(stateDir);
  const inUse = (pid: number) => err(`Another powermon (process ${pid}) uses the state folder "${stateDir}"`);
  if (running !== undefined) return inUse(running);
  const path = markIn(stateDir);
  const state = takeLock(path);
  if (!state.ok) {
    return state.error.kind === "busy"
      ? inUse(state.error.pid)
      : err(`Cannot write "${path}": ${state.error.code}`);
  }
  const mark = clocksMarkOf(sysfsRoot);
  const clocks = mark === undefined ? undefined : takeLock(mark);
  const failed = clocks?.ok === false ? clocks.error : undefined;
  // Who can't write a mark may see another's all the same.
  const other =
    failed?.kind === "busy" ? failed.pid : failed && mark !== undefined ? lockHolder(mark) : undefined;
  if (other !== undefined) {
    state.value();
    return err(
      `Another powermon (process ${other}) sets the clocks under "${sysfsRoot}", with another state folder`,
    );
  }
  return ok({
    release() {
      if (clocks?.ok) clocks.value();
      state.value();
    },
    unmarked: failed?.kind === "sysfs" ? `Cannot write "${mark}": ${failed.code}` : undefined,
  });
}

/** Resolves when no `powermon restore` is at work in `stateDir`. */
export async function untilRestored(stateDir: string): Promise<void> {
  while (lockHolder(restoreMarkIn(stateDir)) !== undefined) await Bun.sleep(LOOK_MS);
}

/**
 * Waits for other restores and marks this process as the one that restores now; returns what takes the mark away again. A mark that can't
 * be written stops nobody: a full disk must not keep the machine changed. Errors: a sentence, when a powermon runs.
 */
export async function claimRestore({ sysfsRoot, stateDir }: Place): Promise<Result<() => void, string>> {
  const until = performance.now() + RESTORE_MS;
  let lock = takeLock(restoreMarkIn(stateDir));
  while (!lock.ok && lock.error.kind === "busy") {
    if (performance.now() > until) return err(`process ${lock.error.pid} restores these settings already.`);
    await Bun.sleep(LOOK_MS);
    lock = takeLock(restoreMarkIn(stateDir));
  }
  const release = lock.ok ? lock.value : () => {};
  const served = refuseRestore({ sysfsRoot, stateDir });
  if (served === undefined) return ok(release);
  release();
  return err(served);
}

/** Returns why nothing may be restored here, a sentence: a powermon runs; undefined when none does. */
export function refuseRestore({ sysfsRoot, stateDir }: Place): string | undefined {
  const mark = clocksMarkOf(sysfsRoot);
  const running = runningInstance(stateDir) ?? (mark === undefined ? undefined : lockHolder(mark));
  if (running === undefined) return undefined;
  return `process ${running} serves with these settings; stop it, and it restores them itself.`;
}
