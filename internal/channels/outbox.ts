// What goes back to one guest: several replies in one write, and none kept for a guest that does not read.

import type { ChannelCounts } from "./channel-counts.ts";

/** The part of a socket that is written to. */
export interface Sink {
  /** Takes what fits of `bytes` and returns how much that was; negative when the connection is gone. */
  write(bytes: Uint8Array): number;
}

/** Replies that leave in one write at most: more would let the guest wait for what is long served. */
const BATCH = 8;

/**
 * The replies of one connection. Of those to one chunk, written over their requests, the first leaves at once, so that the guest
 * goes on while the others are served; these leave some at a time, and the last with flush(). send() is for a pause in between.
 */
export class Outbox {
  readonly #sink: Sink;
  readonly #counts: Pick<ChannelCounts, "repliesDropped">;
  /** The first reply that waits, and how many of the same size wait side by side from there. */
  #first: Uint8Array | undefined;
  #waiting = 0;
  /** They leave when so many wait. */
  #most = 1;
  /** What is left of a reply that went out in part; whole replies after it are dropped until it is gone. */
  #rest: Uint8Array | undefined;

  constructor(sink: Sink, counts: Pick<ChannelCounts, "repliesDropped">) {
    this.#sink = sink;
    this.#counts = counts;
  }

  /** Takes a reply, which must stay as it is until send() or flush(). */
  put(reply: Uint8Array): void {
    if (!this.#continues(reply)) this.send();
    if (this.#rest !== undefined) {
      this.#counts.repliesDropped++;
      return;
    }
    this.#first ??= reply;
    if (++this.#waiting < this.#most) return;
    this.#most = BATCH;
    this.send();
  }

  /** Sends what waits: the chunk was served. */
  flush(): void {
    this.#most = 1;
    this.send();
  }

  /** Returns whether `reply` stands right behind those that wait. */
  #continues(reply: Uint8Array): boolean {
    const first = this.#first;
    if (first === undefined) return false;
    const next = first.byteOffset + this.#waiting * first.length;
    return reply.buffer === first.buffer && reply.byteOffset === next && reply.length === first.length;
  }

  /** Sends what waits; what the guest has no room for is dropped, but never a part of a reply. */
  send(): void {
    const first = this.#first;
    const waiting = this.#waiting;
    if (first === undefined) return;
    this.#first = undefined;
    this.#waiting = 0;
    const all =
      waiting === 1 ? first : new Uint8Array(first.buffer, first.byteOffset, waiting * first.length);
    const written = Math.max(0, this.#sink.write(all));
    if (written === all.length) return;
    const begun = Math.ceil(written / first.length);
    if (written < begun * first.length) this.#rest = all.slice(written, begun * first.length);
    this.#counts.repliesDropped += waiting - begun;
  }

  /** Goes on with the reply that went out in part: there is room again. */
  drained(): void {
    if (this.#rest === undefined) return;
    const written = this.#sink.write(this.#rest);
    if (written === this.#rest.length) this.#rest = undefined;
    else if (written > 0) this.#rest = this.#rest.slice(written);
  }
}
