// A connection of HTTP as its server may see it: one request at a time, and nothing more is read before the answer has left.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SpareTime } from "../os/spare-time.ts";

/** Most bytes that the parser gets at once. */
const MAX_SLICE = 4096;
/** Where a request's head ends: what comes after it is kept from the parser until the answer has left. Source: RFC 9112, 2.1. */
const HEAD_END = "\r\n\r\n";

/** Stands between `socket` and node:http, which would parse and have answered all that was sent. */
export class Gate {
  /** What node:http is given. */
  readonly stream: Duplex;
  readonly #socket: Socket;
  readonly #spare: SpareTime;
  #wanted = false;
  #planned = false;
  #held = false;

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
    socket.once("end", () => stream.push(null));
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
    // Read while there is nothing, so that its end is seen.
    if (this.#socket.readableLength === 0) this.#socket.read(0);
    else if (this.#wanted && !this.#held && !this.#planned) {
      this.#planned = true;
      this.#spare.give(() => this.#pass());
    }
  }

  #pass(): void {
    this.#planned = false;
    const socket = this.#socket;
    if (this.stream.destroyed || this.#held || socket.readableLength === 0) return;
    const slice: Buffer | null = socket.read(Math.min(MAX_SLICE, socket.readableLength));
    if (slice === null) return;
    const end = slice.indexOf(HEAD_END);
    const cut = end < 0 ? slice.length : end + HEAD_END.length;
    if (cut < slice.length) socket.unshift(slice.subarray(cut));
    this.#wanted = false;
    if (this.stream.push(slice.subarray(0, cut))) this.#wanted = true;
    this.#plan();
  }
}
