// Standard output for every command: a write that failed is remembered, and the caller's pipe stays as the caller has it.

import { readFileSync, readlinkSync, writeSync } from "node:fs";
import { errorCode } from "./error-code.ts";

/** The file descriptors of the two outputs. */
export const OUT = 1;
export const ERR = 2;

/** A pipe that somebody else has made non-blocking and that is full is tried again after this time, in ms. */
const FULL_MS = 5;
/** Source: asm-generic/fcntl.h. */
const O_CLOEXEC = 0o2000000;

/** One output of the process, written whole and in order; after the first failure nothing more is written to it. */
export class StandardOutput {
  readonly #fd: number;
  #failure: string | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The errno's name of the write that failed, EPIPE when the reader has left; undefined while all went well. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Writes `text` and ends the line; returns once all of it is taken or a write has failed. Errors: kept as `failure`. */
  line(text: string): void {
    if (this.#failure !== undefined) return;
    const bytes = Buffer.from(`${text}\n`);
    if (wasClosed(this.#fd)) {
      this.#failure = "EBADF";
      return;
    }
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(this.#fd, bytes, at, bytes.length - at);
      } catch (thrown) {
        const code = errorCode(thrown);
        if (code === "EINTR") continue;
        if (code !== "EAGAIN") {
          this.#failure = code;
          return;
        }
        Bun.sleepSync(FULL_MS);
      }
    }
  }
}

/**
 * Returns whether the process was started without file descriptor `fd`: Bun puts /dev/null in its place, and it alone can be marked
 * to close at exec. Where /proc can't be read nobody can tell. Source: proc_pid_fdinfo(5).
 */
function wasClosed(fd: number): boolean {
  try {
    if (readlinkSync(`/proc/self/fd/${fd}`) !== "/dev/null") return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0;
  } catch {
    return false;
  }
}
