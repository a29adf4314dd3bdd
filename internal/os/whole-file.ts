// A file of our own on disk, there whole or not at all: after a crash half of what must be put back would be worse than none.

import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { DONE, err, type Result } from "../values/result.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";

/** How a file is written, and who may read it and its folder. */
interface WholeFileOptions {
  /** False for what means nothing after a reboot: a process that ends loses nothing that it wrote, and nobody waits for a disk. */
  readonly synced?: boolean;
  /** The file's, 0600 unless given, whatever the umask. */
  readonly mode?: number;
  /** The folder's when it has to be made, 0700 unless given; false makes none. */
  readonly folderMode?: number | false;
}

/**
 * Puts `text` in the place of `path`: it is written beside it to `path`.tmp, that file is synced, takes the place of `path`, and
 * then the folder is synced, so that after a power cut one finds the old file or the new one. It blocks for two syncs, 3 to 14 ms
 * each on a disk, more on a busy one, unless it is not to be synced. Errors: ENOSPC (also when only a part of it could be written),
 * EACCES, EROFS, ENOENT; then the old file stands.
 */
export function writeWholeFile(
  path: string,
  text: string,
  { synced = true, mode = 0o600, folderMode = 0o700 }: WholeFileOptions = {},
): Result<void, SysfsError> {
  const folder = dirname(path);
  const temporary = `${path}.tmp`;
  try {
    if (folderMode !== false) mkdirSync(folder, { recursive: true, mode: folderMode });
    discard(temporary);
    withFile(temporary, "wx", mode, (fd) => {
      fchmodSync(fd, mode);
      writeAll(fd, Buffer.from(text));
      if (synced) fsyncSync(fd);
    });
  } catch (thrown) {
    discard(temporary);
    return err(sysfsError("write", temporary, thrown));
  }
  try {
    renameSync(temporary, path);
    if (synced) withFile(folder, "r", 0, fsyncSync);
    return DONE;
  } catch (thrown) {
    discard(temporary);
    return err(sysfsError("rename", path, thrown));
  }
}

/** What is younger may be of somebody who is writing now, in ms. */
const LEFT_MS = 1000;

/** Removes the *.tmp, *.new and *.back in `folder` that ended processes have left there; a folder that is not there or can't be read has none. */
export function sweepLeftovers(folder: string, now = Date.now()): void {
  try {
    for (const name of readdirSync(folder)) {
      if (!/\.(?:tmp|new|back)$/.test(name)) continue;
      const path = `${folder}/${name}`;
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isFile() && now - stats.mtimeMs > LEFT_MS) discard(path);
    }
  } catch {
    // Nothing can be removed then, and nothing needs to be: each is replaced when its file is written again.
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
  for (let at = 0; at < bytes.length;) {
    const written = writeSync(fd, bytes, at);
    if (written === 0) throw Object.assign(new Error("nothing more was taken"), { code: "ENOSPC" });
    at += written;
  }
}

function withFile(path: string, flags: string, mode: number, use: (fd: number) => void): void {
  const fd = openSync(path, flags, mode);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}
