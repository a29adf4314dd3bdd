// One suspend and one change of the profile at a time: without it two commands would set aside each other's alarms and originals.

import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";

/** Who is at it now. */
export interface Busy {
  readonly kind: "busy";
  readonly pid: number;
}

/**
 * Takes the lock on `what`; returns how to give it back. A lock whose process is gone is taken over. Errors: Busy; EACCES, EROFS, ENOSPC.
 */
export function lockOn(
  what: "suspend" | "profile",
  { stateDir, procRoot }: { readonly stateDir: string; readonly procRoot: string },
  pid = process.pid,
): Result<() => void, Busy | SysfsError> {
  const path = `${stateDir}/${what}.lock`;
  for (let tries = 0; ; tries++) {
    try {
      mkdirSync(stateDir, { recursive: true, mode: 0o700 });
      const fd = openSync(path, "wx", 0o600);
      writeSync(fd, `${pid}\n`);
      closeSync(fd);
      return ok(() => rmSync(path, { force: true }));
    } catch (thrown) {
      const error = sysfsError("write", path, thrown);
      if (error.code !== "EEXIST" || tries > 0) return err(error);
    }
    const holder = holderOf(path);
    if (holder !== undefined && existsSync(`${procRoot}/${holder}`))
      return err({ kind: "busy", pid: holder });
    rmSync(path, { force: true });
  }
}

function holderOf(path: string): number | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
