// One FIFO per core, as DPDK's host has them: file permissions say who may drive which core.

import { closeSync, constants, fstatSync, lstatSync, openSync, unlinkSync } from "node:fs";
import { codeOf } from "../os/error-code.ts";
import { complaint, runCommandSync } from "../os/spawn.ts";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { ObjectCutter } from "./object-cutter.ts";
import { type FifoCommand, parseFifoCommand } from "./command.ts";

/** Objects that are served before everybody else gets a turn: a flood must not make guests wait. */
const AT_A_TIME = 32;
/** Longest that mkfifo and chown may take, in ms: the system's users can come over a network. */
const PROGRAM_MS = 5000;

/** Whose the FIFOs are and who listens. */
export interface FifoOptions {
  /** An existing folder that only its owner may write to. */
  readonly dir: string;
  /** pCPU numbers; FIFO fifo<N> for each. */
  readonly cores: readonly number[];
  /** File mode, such as 0o660. */
  readonly mode: number;
  /** User and group by name; empty leaves them as they are. */
  readonly owner: string;
  readonly group: string;
  onCommand(core: number, command: FifoCommand): void;
  /** Told of everything that was not understood: there is no way back to the writer. */
  onProblem(core: number, why: string): void;
}

interface Fifo {
  readonly core: number;
  readonly path: string;
  readonly fd: number;
  readonly reader: {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
}

/** The FIFOs of this host while it serves them. */
export class Fifos {
  readonly #options: FifoOptions;
  readonly #fifos: Fifo[] = [];

  constructor(options: FifoOptions) {
    this.#options = options;
  }

  /** The paths that are served. */
  get paths(): readonly string[] {
    return this.#fifos.map(({ path }) => path);
  }

  /** Makes the FIFOs, anew where an old one lies, and listens. The error is a sentence; then none is left behind. */
  open(): Result<void, string> {
    const { dir, cores } = this.#options;
    const paths = cores.map((core) => `${dir}/fifo${core}`);
    const made = make(paths, this.#options);
    if (!made.ok) return made;
    for (const [at, path] of paths.entries()) {
      try {
        // Opened for writing as well, so that there is no end of file when a writer leaves; non-blocking, so that nothing waits.
        const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
        const reader = Bun.file(fd).stream().getReader();
        const fifo = { core: cores[at] ?? -1, path, fd, reader };
        this.#fifos.push(fifo);
        if (!fstatSync(fd).isFIFO()) throw new Error("it is no FIFO any more");
        void this.#listen(fifo);
      } catch (cause) {
        const why = `Cannot open ${JSON.stringify(path)}: ${codeOf(cause)}`;
        void this.close();
        remove(paths);
        return err(why);
      }
    }
    return ok(undefined);
  }

  /** Removes the FIFOs and stops to listen. */
  async close(): Promise<void> {
    for (const { path, fd, reader } of this.#fifos.splice(0)) {
      remove([path]);
      await reader.cancel().catch(() => {});
      closeSync(fd);
    }
  }

  async #listen({ core, reader }: Fifo): Promise<void> {
    const { onCommand, onProblem } = this.#options;
    const cutter = new ObjectCutter();
    const objects: string[] = [];
    for (;;) {
      const { value: chunk, done } = await reader.read();
      if (done || chunk === undefined) return;
      cutter.push(
        chunk,
        performance.now(),
        (text) => objects.push(text),
        (why) => onProblem(core, why),
      );
      let served = 0;
      for (const text of objects.splice(0)) {
        if (++served % AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve));
        const command = parseFifoCommand(text);
        if (command.ok) onCommand(core, command.value);
        else onProblem(core, command.error);
      }
    }
  }
}

/** Makes all FIFOs by one run of mkfifo(1) and one of chown(1): Bun has neither call, and names of users are the system's to know. */
function make(paths: readonly string[], { mode, owner, group }: FifoOptions): Result<void, string> {
  for (const path of paths) {
    try {
      if (!lstatSync(path).isFIFO()) {
        return err(`Cannot make a FIFO at ${JSON.stringify(path)}: something else is there; remove it.`);
      }
      unlinkSync(path);
    } catch (cause) {
      if (codeOf(cause) !== "ENOENT")
        return err(`Cannot make a FIFO at ${JSON.stringify(path)}: ${codeOf(cause)}`);
    }
  }
  if (paths.length === 0) return ok(undefined);
  const made = run(["mkfifo", "-m", mode.toString(8), "--", ...paths]);
  const owned =
    made.ok && owner + group !== ""
      ? run(["chown", `${owner}${group === "" ? "" : `:${group}`}`, "--", ...paths])
      : made;
  if (!owned.ok) remove(paths);
  return owned;
}

function run(command: readonly string[]): Result<void, string> {
  const ended = runCommandSync(command, { limitMs: PROGRAM_MS });
  if (!ended.ok) return err(ended.error.says);
  return ended.value.status === 0 ? DONE : err(complaint(command[0] ?? "", ended.value));
}

function remove(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      if (lstatSync(path).isFIFO()) unlinkSync(path);
    } catch {
      // Gone already.
    }
  }
}
