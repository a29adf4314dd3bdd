// What goes back to one guest: without it each answer would cost a system call of its own, and a guest that does not read our memory.

import type { ChannelCounts } from "./channel-counts.ts";

/** The part of a socket that is written to. */
export interface Sink {
  /** Takes what fits of `bytes` and returns how much that was; negative when the connection is gone. */
  write(bytes: Uint8Array): number;
}

/** The replies of one connection. Those to one chunk, written over their requests, leave together by flush(). */
export class Outbox {
  readonly #sink: Sink;
  readonly #counts: Pick<ChannelCounts, "repliesDropped">;
  /** The first reply that waits for flush(), and how many of the same size wait side by side from there. */
  #first: Uint8Array | undefined;
  #waiting = 0;
  /** What is left of a reply that went out in part; whole replies after it are dropped until it is gone. */
  #rest: Uint8Array | undefined;

  constructor(sink: Sink, counts: Pick<ChannelCounts, "repliesDropped">) {
    this.#sink = sink;
    this.#counts = counts;
  }

  /** Takes a reply, which must stay as it is until flush(). */
  put(reply: Uint8Array): void {
    if (this.#rest !== undefined) {
      this.#counts.repliesDropped++;
      return;
    }
    const first = this.#first;
    if (first !== undefined) {
      const next = first.byteOffset + this.#waiting * first.length;
      if (reply.buffer === first.buffer && reply.byteOffset === next && reply.length === first.length) {
        this.#waiting++;
        return;
      }
      this.flush();
    }
    this.#first = reply;
    this.#waiting = 1;
  }

  /** Sends what waits; what the guest has no room for is dropped, but never a part of a reply. */
  flush(): void {
    const first = this.#first;
    if (first === undefined) return;
    const waiting = this.#waiting;
    const all =
      waiting === 1 ? first : new Uint8Array(first.buffer, first.byteOffset, waiting * first.length);
    this.#first = undefined;
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
