// One process at a time: a lock's file names its holder by boot, number and start time, since a number alone is used again.

import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { err, ok, type Result } from "../values/result.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";
import { codeOf } from "./error-code.ts";
import { isBeingKilled, readBootId, startTimeOf } from "./process.ts";
import { readOwnFile } from "./read-bounded.ts";

/** A longer file is no lock, bytes. */
const MAX_BYTES = 4096;

/** Who has the lock now. */
export interface Busy {
  readonly kind: "busy";
  readonly pid: number;
}

/** What a lock's file holds, in JSON. */
interface Mark {
  readonly pid: number;
  /** starttime, clock ticks after boot. Source: proc(5), /proc/PID/stat, field 22. */
  readonly startTime: string;
  /** After a reboot the same number may have the same start time. An older powermon wrote none. */
  readonly bootId?: string;
}

/**
 * Takes the lock whose file is `path`, in a folder that is made when absent; returns how to give it back. The lock of a process that
 * has ended or is being killed, or of another boot, is taken over, by one of those who try. Nothing is synced: a lock means nothing after a reboot.
 * Errors: Busy; EACCES, EROFS, ENOSPC.
 * @param pid who will hold it
 */
export function takeLock(path: string, pid = process.pid): Result<() => void, Busy | SysfsError> {
  const own = `${path}.${process.pid}.new`;
  const mark: Mark = { pid, startTime: startTimeOf(pid) ?? "", bootId: readBootId() };
  try {
    // What is private in it has a mode of its own, and others find sockets beside it.
    mkdirSync(dirname(path), { recursive: true });
    rmSync(own, { force: true });
    let holder: number | undefined;
    try {
      // Whole before it has the lock's name: nobody ever reads half of it.
      writeFileSync(own, `${JSON.stringify(mark)}\n`, { mode: 0o644, flag: "wx" });
      holder = takeAs(own, path);
    } finally {
      rmSync(own, { force: true });
    }
    return holder === undefined
      ? ok(() => rmSync(path, { force: true }))
      : err({ kind: "busy", pid: holder });
  } catch (thrown) {
    return err(sysfsError("write", path, thrown));
  }
}

/** Returns the process that holds the lock at `path` now; undefined when none does. */
export function lockHolder(path: string): number | undefined {
  const holder = holderOf(path);
  return typeof holder === "number" ? holder : undefined;
}

/**
 * Gives `own` the name `path` too, unless a process that lives holds it: then that one is returned. Only who has the lock `path`.next
 * may remove a dead one's file, and only one that is there: where none is, somebody may be faster and have a new one.
 */
function takeAs(own: string, path: string): number | undefined {
  while (!isLinked(own, path)) {
    const holder = holderOf(path);
    if (holder === "nobody") continue;
    const next = `${path}.next`;
    const other = holder === "dead" ? takeAs(own, next) : holder;
    if (other !== undefined) return other;
    try {
      if (holderOf(path) === "dead") rmSync(path, { force: true });
    } finally {
      rmSync(next);
    }
  }
  return undefined;
}

/** Returns whose lock stands at `path`. What is no file of ours has no holder. */
function holderOf(path: string): number | "dead" | "nobody" {
  try {
    const {
      pid = 0,
      startTime,
      bootId = readBootId(),
    }: Partial<Mark> = JSON.parse(readOwnFile(path, MAX_BYTES)?.toString("utf8") ?? "");
    if (bootId !== readBootId()) return "dead";
    // One that was killed and hangs in the kernel does nothing any more, and may stay for ever.
    const lives = pid > 0 && startTime !== undefined && startTimeOf(pid) === startTime && !isBeingKilled(pid);
    return lives ? pid : "dead";
  } catch (thrown) {
    return codeOf(thrown) === "ENOENT" ? "nobody" : "dead";
  }
}

function isLinked(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (thrown) {
    if (sysfsError("write", path, thrown).code === "EEXIST") return false;
    throw thrown;
  }
}
