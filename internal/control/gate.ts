// A connection of HTTP as its server may see it: one request at a time, and nothing more is read before the answer has left.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SpareTime } from "../os/spare-time.ts";

/** Most bytes that the parser gets at once. */
const MAX_SLICE = 4096;
/** Where a request's head ends: what comes after it is kept from the parser until the answer has left. Source: RFC 9112, 2.1. */
const HEAD_END = "\r\n\r\n";
const NOTHING = Buffer.alloc(0);

/** Stands between `socket` and node:http, which would parse and have answered all that was sent. */
export class Gate {
  /** What node:http is given. */
  readonly stream: Duplex;
  readonly #socket: Socket;
  readonly #spare: SpareTime;
  #wanted = false;
  #planned = false;
  #held = false;
  #ended = false;
  /** What was read and the parser has not got. */
  #rest: Buffer = NOTHING;

  /** @param Stream node:stream's Duplex, which is loaded with node:http */
  constructor(Stream: typeof Duplex, socket: Socket, spare: SpareTime) {
    this.#socket = socket;
    this.#spare = spare;
    const stream = new Stream({
      read: () => {
        this.#wanted = true;
        this.#plan();
      },
      write: (bytes: Buffer, _encoding, done) => void socket.write(bytes, done),
      final: (done) => void socket.end(done),
      destroy: (cause, done) => {
        socket.destroy();
        done(cause);
      },
    });
    this.stream = stream;
    socket.on("readable", () => this.#plan());
    socket.once("end", () => {
      this.#ended = true;
      this.#plan();
    });
    socket.once("close", () => stream.destroy());
  }

  /** Lets no more bytes through until let(). */
  hold(): void {
    this.#held = true;
  }

  let(): void {
    this.#held = false;
    this.#plan();
  }

  #plan(): void {
    // Bun takes more from the kernel with each read() of a socket, whatever waits: only when nothing does, which also shows the end.
    if (this.#rest.length === 0) this.#rest = this.#read();
    if (this.#rest.length === 0) {
      if (this.#ended) this.stream.push(null);
    } else if (this.#wanted && !this.#held && !this.#planned) {
      this.#planned = true;
      this.#spare.give(() => this.#pass());
    }
  }

  #read(): Buffer {
    const bytes: Buffer | null = this.#socket.read();
    return bytes ?? NOTHING;
  }

  #pass(): void {
    this.#planned = false;
    if (this.stream.destroyed || this.#held) return;
    const slice = this.#rest.subarray(0, MAX_SLICE);
    const end = slice.indexOf(HEAD_END);
    const cut = end < 0 ? slice.length : end + HEAD_END.length;
    this.#rest = this.#rest.subarray(cut);
    this.#wanted = this.stream.push(slice.subarray(0, cut));
    this.#plan();
  }
}
