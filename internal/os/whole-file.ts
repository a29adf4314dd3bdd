// A file of our own on disk, there whole or not at all: without it a crash could leave half of what must be put back.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { DONE, err, type Result } from "../values/result.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";

/**
 * Writes `text` to `path` in `folder`, which is made when absent, mode 0700, the file 0600, through a synced temporary file and a
 * rename. Errors: ENOSPC, EACCES, EROFS; then the old file stands.
 */
export function writeWholeFile(folder: string, path: string, text: string): Result<void, SysfsError> {
  const temporary = `${path}.tmp`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(temporary, { force: true });
    const fd = openSync(temporary, "wx", 0o600);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (thrown) {
    return err(sysfsError("write", temporary, thrown));
  }
  try {
    renameSync(temporary, path);
    syncFolder(folder);
    return DONE;
  } catch (thrown) {
    return err(sysfsError("rename", path, thrown));
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
