// A page of memory that outlives its process, and tells on which file it was at work when it ended: it is set before each call at the cost of a store.

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { err, ok, type Result } from "../values/result.ts";
import { codeOf } from "./error-code.ts";
import { readBootId, startTimeOf } from "./process.ts";

/** Two words, whether a call is under way and how many bytes its path has; the path; then JSON of whose page it is, filled with zeros. */
const SIZE = 4096;
const PATH_AT = 8;
/** Bytes of a path that are kept; those of /sys are far shorter. */
const MAX_PATH = 3584;
const OWNER_AT = 3840;

/** A process as the page names it. */
export interface MarkedProcess {
  readonly pid: number;
  readonly startTime: string;
}

/** What an ended process was at. */
export interface LeftCall {
  readonly path: string;
  readonly process: MarkedProcess;
}

/** The page of this process. */
export class CallMark {
  readonly #file: string;
  readonly #words: Int32Array;
  readonly #path: Uint8Array;
  #last = "";

  private constructor(file: string, page: Uint8Array) {
    this.#file = file;
    this.#words = new Int32Array(page.buffer, page.byteOffset, 2);
    this.#path = page.subarray(PATH_AT, PATH_AT + MAX_PATH);
  }

  /**
   * Makes the page at `path`, in the place of one that another process may still have. It should be on a tmpfs, where no disk is waited
   * for. Errors: a sentence.
   */
  static open(path: string): Result<CallMark, string> {
    const own = `${path}.new`;
    try {
      const page = new Uint8Array(SIZE);
      const owner = { pid: process.pid, startTime: startTimeOf(process.pid) ?? "", bootId: readBootId() };
      page.set(Buffer.from(JSON.stringify(owner)), OWNER_AT);
      rmSync(own, { force: true });
      writeFileSync(own, page, { mode: 0o600, flag: "wx" });
      const mapped = Bun.mmap(own, { shared: true });
      renameSync(own, path);
      return ok(new CallMark(path, mapped));
    } catch (cause) {
      remove(own);
      return err(`Cannot make "${path}": ${codeOf(cause)}`);
    }
  }

  /** A call on the file at `path` comes now. */
  begin(path: string): void {
    if (path !== this.#last) {
      this.#words[1] = encoder.encodeInto(path, this.#path).written;
      this.#last = path;
    }
    this.#words[0] = 1;
  }

  /** Takes the page away: this process makes no more calls that anybody must know of. */
  close(): void {
    remove(this.#file);
  }

  /** It has returned. */
  end(): void {
    this.#words[0] = 0;
  }
}

const encoder = new TextEncoder();

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What can't be removed says that nothing is under way.
  }
}

/** Returns the call that was under way when the process ended whose page is at `path`; undefined when none was, or it is of another boot. */
export function readLeftCall(path: string): LeftCall | undefined {
  const page = readPage(path);
  if (page === undefined || page.readInt32LE(0) !== 1) return undefined;
  const length = page.readInt32LE(4);
  if (length < 1 || length > MAX_PATH) return undefined;
  try {
    const owner: unknown = JSON.parse(page.toString("utf8", OWNER_AT).replace(/\0+$/, ""));
    const { pid, startTime, bootId } = (owner ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof pid !== "number" || typeof startTime !== "string" || bootId !== readBootId()) return undefined;
    return { path: page.toString("utf8", PATH_AT, PATH_AT + length), process: { pid, startTime } };
  } catch {
    return undefined;
  }
}

/** Returns whether `marked` is still there, be it in the middle of being killed. */
export const isThere = ({ pid, startTime }: MarkedProcess): boolean =>
  pid > 0 && startTime !== "" && startTimeOf(pid) === startTime;

function readPage(path: string): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const page = Buffer.alloc(SIZE);
    return fstatSync(fd).isFile() && readSync(fd, page, 0, SIZE, 0) === SIZE ? page : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
