// One powermon a state folder: two of them would fight over the clocks and over each other's saved originals.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";

/** The mark of a running powermon in its state folder. */
const FILE = "running.json";

/** A running process: its number alone could be used again. */
interface Mark {
  readonly pid: number;
  /** starttime, clock ticks after boot. Source: proc(5), /proc/PID/stat, field 22. */
  readonly startTime: string;
}

/** Returns the pid of the powermon that uses `stateDir` now; undefined when none does. */
export function runningInstance(stateDir: string): number | undefined {
  try {
    const mark: Partial<Mark> = JSON.parse(readFileSync(`${stateDir}/${FILE}`, "utf8"));
    const { pid = 0, startTime } = mark;
    return pid > 0 && startTime !== undefined && startTimeOf(pid) === startTime ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Marks `stateDir` as this process's and returns what takes the mark away again. Errors: a sentence, when another one uses it or it
 * can't be written.
 */
export function claimInstance(stateDir: string): Result<() => void, string> {
  const other = runningInstance(stateDir);
  if (other !== undefined)
    return err(`Another powermon (process ${other}) uses the state folder "${stateDir}"`);
  const path = `${stateDir}/${FILE}`;
  const mark: Mark = { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" };
  try {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(path, `${JSON.stringify(mark)}\n`);
  } catch (cause) {
    return err(`Cannot write "${path}": ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`);
  }
  return ok(() => rmSync(path, { force: true }));
}

/** Processes are the machine's own, whatever --proc-root stands for. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold blanks and brackets; field 3 comes after the last one.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
