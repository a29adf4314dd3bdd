// What one guest sends, from its socket to frames in turn: little is served at once, much waits where it pushes back on the guest.

import type { Party, Turns, Worker } from "../os/turns.ts";
import type { Generation } from "../packet/constants.ts";
import { FrameCutter } from "../packet/frame.ts";

/**
 * Reading so much is a unit of work. A chunk of more is long: unless all of it is served at once, the next one stays in the kernel.
 * Guests send some frames at once; what is long is a flood's, and 64 floods that are all read in one look keep everybody waiting.
 */
const LONG_BYTES = 8192;
/** Requests between two looks at the clock. */
const LOOK_UNITS = 4;
/** The memory of a larger chunk is given back as soon as it is served: garbage of that size would grow the heap under a flood. */
const KEPT_BYTES = 4096;

/** The part of a socket that decides whether it is read. Source: measured, Bun 1.4.5: while paused nothing is read or told, not even the end. */
export interface Readable {
  pause(): void;
  resume(): void;
}

/** Where the frames go. */
export interface Server {
  /** Serves a frame that was received at `atMs`, performance.now(); returns whether it was a request. */
  frame(frame: Uint8Array, atMs: number): boolean;
  /** Some of a chunk that was received at `atMs` is served: `requests` of it, and more is to come unless `done`. */
  portion(requests: number, atMs: number, done: boolean): void;
}

export class Intake implements Worker {
  readonly party: Party;
  turn = 0;
  next: Worker | undefined;
  readonly #turns: Turns;
  readonly #server: Server;
  readonly #cutter: FrameCutter;
  #socket: Readable | undefined;
  #waits = false;
  /** When the chunk at hand was received, and the units of work that it costs by itself. */
  #at = 0;
  #owed = 0;
  #chunk: Uint8Array | undefined;
  /** What arrived while it waited for its turn. */
  readonly #later: { readonly chunk: Uint8Array; readonly at: number }[] = [];
  #paused = false;
  readonly #resume = (): void => {
    this.#paused = false;
    this.#socket?.resume();
  };

  /** @param wire the guest's generation, or "auto" */
  constructor(party: Party, turns: Turns, wire: "auto" | Generation, server: Server) {
    this.party = party;
    this.#turns = turns;
    this.#cutter = new FrameCutter(wire);
    this.#server = server;
  }

  /** What was found out of the guest's stream. */
  get framing(): Pick<FrameCutter, "generation" | "dropped" | "resyncs" | "discardedBytes"> {
    return this.#cutter;
  }

  /** Whether something of what was received is still to be served. */
  get waits(): boolean {
    return this.#waits;
  }

  opened(socket: Readable): void {
    this.#socket = socket;
  }

  /** Serves what was received at `nowMs`, performance.now(), or has it wait for its turn. */
  received(chunk: Uint8Array, nowMs: number): void {
    if (this.#waits) {
      this.#later.push({ chunk, at: nowMs });
      return this.#pause();
    }
    this.#take(chunk, nowMs);
    this.#turns.offer(this, nowMs);
    if (this.#waits && chunk.length > LONG_BYTES) this.#pause();
  }

  /** Drops what waits for good. */
  end(): void {
    this.#waits = false;
    this.#chunk = undefined;
    this.#later.length = 0;
  }

  work(most: number, untilMs: number): number {
    // It was ended while it stood in line: what it asked now nobody would take back.
    if (!this.#waits) return 0;
    const at = this.#at;
    let units = this.#owed;
    let requests = 0;
    this.#owed = 0;
    let done = false;
    while (!done && units < most) {
      const frame = this.#cutter.next();
      if (frame !== undefined) {
        units++;
        if (this.#server.frame(frame, at)) requests++;
      }
      done = !this.#cutter.waits || !this.#waits;
      if (units % LOOK_UNITS === 0 && performance.now() >= untilMs) break;
    }
    const chunk = this.#chunk;
    if (done) this.#goOn();
    this.#server.portion(requests, at, done);
    if (done) release(chunk);
    return units;
  }

  #take(chunk: Uint8Array, atMs: number): void {
    this.#waits = true;
    this.#at = atMs;
    this.#owed = Math.floor(chunk.length / LONG_BYTES);
    this.#chunk = chunk;
    this.#cutter.take(chunk, atMs);
  }

  /** The chunk at hand is served: the next one is taken, or more is read. */
  #goOn(): void {
    this.#chunk = undefined;
    const later = this.#later.shift();
    if (later !== undefined) return this.#take(later.chunk, later.at);
    this.#waits = false;
    if (this.#paused) this.#turns.resume(this.#resume);
  }

  /** Leaves what the guest sends in the kernel: once that is full, its port takes no more. */
  #pause(): void {
    if (!this.#paused) this.#socket?.pause();
    this.#paused = true;
  }
}

/** Ends a chunk of which everything is served and sent: what still points into it has no bytes. */
function release(chunk: Uint8Array | undefined): void {
  if (chunk === undefined || chunk.length <= KEPT_BYTES) return;
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.length) buffer.transfer(0);
}
