// One powermon a state folder: two of them would fight over the clocks and over each other's saved originals.

import { mkdirSync } from "node:fs";
import { codeOf } from "../os/error-code.ts";
import { lockHolder, takeLock } from "../os/lock.ts";
import { err, type Result } from "../values/result.ts";

/** The mark of a running powermon in its state folder. */
const markIn = (stateDir: string): string => `${stateDir}/running.json`;

/** Returns the pid of the powermon that uses `stateDir` now; undefined when none does. */
export const runningInstance = (stateDir: string): number | undefined => lockHolder(markIn(stateDir));

/**
 * Marks `stateDir` as this process's and returns what takes the mark away again. Errors: a sentence, when another one uses it or it
 * can't be written.
 */
export function claimInstance(stateDir: string): Result<() => void, string> {
  const path = markIn(stateDir);
  const wrong = (code: string) => err(`Cannot write "${path}": ${code}`);
  try {
    // Others find the control socket in here.
    mkdirSync(stateDir, { recursive: true });
  } catch (cause) {
    return wrong(codeOf(cause));
  }
  const lock = takeLock(path);
  if (lock.ok) return lock;
  if (lock.error.kind !== "busy") return wrong(lock.error.code);
  return err(`Another powermon (process ${lock.error.pid}) uses the state folder "${stateDir}"`);
}
