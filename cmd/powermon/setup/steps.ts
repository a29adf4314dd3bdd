// What setup does, step by step: said first and done after, so that --dry-run and the real thing can't differ.

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
} from "node:fs";
import { errorCode } from "../../../internal/os/error-code.ts";
import { writeWholeFile } from "../../../internal/os/whole-file.ts";
import { DONE, err, type Result } from "../../../internal/values/result.ts";
import type { User } from "./qemu-user.ts";

/** One thing to be as it should be. */
export interface SetupStep {
  /** The path and how it shall be, such as `/run/powermon: folder, root:root, 0755`. */
  readonly says: string;
  /** Returns whether it is so already. */
  isDone(): boolean;
  /** Makes it so. Throws an errno. */
  make(): void;
}

/** Returns the step that makes `path` a folder of `owner` with `mode`; folders above it are made when they are missing. */
export function folder(path: string, owner: User, mode: number): SetupStep {
  return {
    says: `${path}: folder of ${owner.name} (${owner.uid}:${owner.gid}), mode ${octal(mode)}`,
    isDone() {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      return (
        stats?.isDirectory() === true &&
        (stats.mode & 0o7777) === mode &&
        stats.uid === owner.uid &&
        stats.gid === owner.gid
      );
    },
    make() {
      mkdirSync(path, { recursive: true, mode });
      // Below a folder such as /tmp anybody may have put a link here: whatever it points to stays as it is.
      const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        fchownSync(fd, owner.uid, owner.gid);
        fchmodSync(fd, mode);
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Returns the step that makes `path` hold `text`. */
export function file(path: string, text: string): SetupStep {
  return {
    says: `${path}: this text\n${text.replace(/^(?=.)/gm, "  ").trimEnd()}`,
    isDone() {
      try {
        return readFileSync(path, "utf8") === text;
      } catch {
        return false;
      }
    },
    make() {
      const written = writeWholeFile(path, text, { mode: 0o644, folderMode: 0o755 });
      if (!written.ok) throw Object.assign(new Error(), written.error);
    },
  };
}

/** Returns `mode` as chmod(1) takes it. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Makes `step` so. Errors: a sentence. */
export function make(step: SetupStep): Result<void, string> {
  try {
    step.make();
    return DONE;
  } catch (cause) {
    const code = errorCode(cause);
    const { path } = cause as NodeJS.ErrnoException;
    const hint = code === "EPERM" || code === "EACCES" ? "; run this as root" : "";
    return err(`Cannot make ${path ?? step.says.split(":")[0]}: ${code}${hint}.`);
  }
}
