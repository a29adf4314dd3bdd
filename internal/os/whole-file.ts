// A file of our own on disk, there whole or not at all: after a crash half of what must be put back would be worse than none.

import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { DONE, err, type Result } from "../values/result.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";

/** Who may read a file and its folder. */
interface WholeFileModes {
  /** The file's, 0600 unless given, whatever the umask. */
  readonly mode?: number;
  /** The folder's when it has to be made, 0700 unless given; false makes none. */
  readonly folderMode?: number | false;
}

/**
 * Puts `text` in the place of `path`: it is written beside it to `path`.tmp, that file is synced, takes the place of `path`, and
 * then the folder is synced, so that after a power cut one finds the old file or the new one. It blocks for two syncs, 3 to 14 ms
 * each on a disk, more on a busy one. Errors: ENOSPC, EACCES, EROFS, ENOENT; then the old file stands.
 */
export function writeWholeFile(
  path: string,
  text: string,
  { mode = 0o600, folderMode = 0o700 }: WholeFileModes = {},
): Result<void, SysfsError> {
  const folder = dirname(path);
  const temporary = `${path}.tmp`;
  try {
    if (folderMode !== false) mkdirSync(folder, { recursive: true, mode: folderMode });
    discard(temporary);
    withFile(temporary, "wx", mode, (fd) => {
      fchmodSync(fd, mode);
      writeAll(fd, Buffer.from(text));
      fsyncSync(fd);
    });
  } catch (thrown) {
    discard(temporary);
    return err(sysfsError("write", temporary, thrown));
  }
  try {
    renameSync(temporary, path);
    withFile(folder, "r", 0, fsyncSync);
    return DONE;
  } catch (thrown) {
    discard(temporary);
    return err(sysfsError("rename", path, thrown));
  }
}

function discard(temporary: string): void {
  try {
    unlinkSync(temporary);
  } catch {
    // It was never made, or what stands in its place is not ours.
  }
}

/** Writes all of `bytes`: on a disk that is nearly full one call takes a part of them, and only the next one says why. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

function withFile(path: string, flags: string, mode: number, use: (fd: number) => void): void {
  const fd = openSync(path, flags, mode);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}
