// One FIFO per core, as DPDK's host has them: file permissions say who may drive which core.

import { closeSync, constants, fstatSync, lstatSync, openSync, unlinkSync } from "node:fs";
import { codeOf } from "../os/error-code.ts";
import { complaint, runCommand } from "../os/spawn.ts";
import { Party, type Turns, type Worker } from "../os/turns.ts";
import { DONE, err, type Result } from "../values/result.ts";
import { ObjectCutter } from "./object-cutter.ts";
import { type FifoRequest, parseFifoRequest } from "./command.ts";

/** Bytes that are looked through for objects at a time. */
const PIECE_BYTES = 4096;
/** What an object costs, and what looking through a piece does, in units of work. */
const OBJECT_UNITS = 4;
const PIECE_UNITS = 2;
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
  readonly turns: Turns;
  onRequest(core: number, request: FifoRequest): void;
  /** Told of everything that was not understood: there is no way back to the writer. */
  onProblem(core: number, why: string): void;
}

/** One FIFO while it is served: its objects wait for their turn, and it is read again after them. */
class Fifo implements Worker {
  readonly path: string;
  readonly party: Party;
  turn = 0;
  next: Worker | undefined;
  readonly #core: number;
  readonly #options: FifoOptions;
  readonly #fd: number;
  readonly #reader: {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
  readonly #cutter = new ObjectCutter();
  /** What was read and not looked through, and the objects found so far. */
  #chunk: Uint8Array = new Uint8Array(0);
  readonly #objects: string[] = [];
  #served: (() => void) | undefined;
  #closed = false;

  /** Opens the FIFO at `path`. Errors: thrown. */
  constructor(path: string, core: number, party: Party, options: FifoOptions) {
    this.path = path;
    this.party = party;
    this.#core = core;
    this.#options = options;
    // Opened for writing as well, so that there is no end of file when a writer leaves; non-blocking, so that nothing waits.
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    if (!fstatSync(this.#fd).isFIFO()) {
      closeSync(this.#fd);
      throw new Error("it is no FIFO any more");
    }
    this.#reader = Bun.file(this.#fd).stream().getReader();
  }

  async listen(): Promise<void> {
    while (!this.#closed) {
      const { value: chunk, done } = await this.#reader.read();
      if (done || chunk === undefined) return;
      this.#chunk = chunk;
      const served = new Promise<void>((resolve) => (this.#served = resolve));
      this.#options.turns.offer(this, performance.now());
      await served;
    }
  }

  /** Removes the FIFO and hears nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    remove([this.path]);
    await this.#reader.cancel().catch(() => {});
    closeSync(this.#fd);
  }

  get waits(): boolean {
    return !this.#closed && this.#objects.length + this.#chunk.length > 0;
  }

  work(most: number, untilMs: number): number {
    let units = 0;
    while (this.waits && units < most && (units === 0 || performance.now() < untilMs)) {
      const text = this.#objects.shift();
      units += text === undefined ? PIECE_UNITS : OBJECT_UNITS;
      if (text === undefined) this.#look();
      else this.#serve(text);
    }
    if (!this.waits) this.#served?.();
    return units;
  }

  #look(): void {
    const piece = this.#chunk.subarray(0, PIECE_BYTES);
    this.#chunk = this.#chunk.subarray(piece.length);
    this.#cutter.push(
      piece,
      performance.now(),
      (text) => this.#objects.push(text),
      (why) => this.#options.onProblem(this.#core, why),
    );
  }

  #serve(text: string): void {
    const asked = parseFifoRequest(text, this.#core);
    if (asked.ok) this.#options.onRequest(this.#core, asked.value);
    else this.#options.onProblem(this.#core, asked.error);
  }
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
  async open(): Promise<Result<void, string>> {
    const { dir, cores } = this.#options;
    const paths = cores.map((core) => `${dir}/fifo${core}`);
    const made = await make(paths, this.#options);
    if (!made.ok) return made;
    // All writers together are as one guest.
    const party = new Party();
    for (const [at, path] of paths.entries()) {
      try {
        const fifo = new Fifo(path, cores[at] ?? -1, party, this.#options);
        this.#fifos.push(fifo);
        void fifo.listen();
      } catch (cause) {
        const why = `Cannot open ${JSON.stringify(path)}: ${codeOf(cause)}`;
        await this.close();
        remove(paths);
        return err(why);
      }
    }
    return DONE;
  }

  /** Removes the FIFOs and stops to listen. */
  async close(): Promise<void> {
    await Promise.all(this.#fifos.splice(0).map((fifo) => fifo.close()));
  }
}

/** Makes all FIFOs by one run of mkfifo(1) and one of chown(1): Bun has neither call, and names of users are the system's to know. */
async function make(
  paths: readonly string[],
  { mode, owner, group }: FifoOptions,
): Promise<Result<void, string>> {
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
  if (paths.length === 0) return DONE;
  const made = await run(["mkfifo", "-m", mode.toString(8), "--", ...paths]);
  const owned =
    made.ok && owner + group !== ""
      ? await run(["chown", `${owner}${group === "" ? "" : `:${group}`}`, "--", ...paths])
      : made;
  if (!owned.ok) remove(paths);
  return owned;
}

async function run(command: readonly string[]): Promise<Result<void, string>> {
  const ended = await runCommand(command, { limitMs: PROGRAM_MS });
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
