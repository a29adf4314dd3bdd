// A host's stream becomes whole replies here, by the size of each command's.

import { replyBytes } from "./reply.ts";

/** Cuts what the host sent into whole replies, sized by their `command`; holds less than one reply. */
export class ReplyCutter {
  #held = new Uint8Array(0);
  #discarded = 0;

  /** How often bytes that can't be a reply were met; each time everything received by then was discarded. */
  get discarded(): number {
    return this.#discarded;
  }

  /** Hands every whole reply of what was received so far to `sink`, which may keep it. */
  push(chunk: Uint8Array, sink: (reply: Uint8Array) => void): void {
    let rest = chunk;
    if (this.#held.length > 0) {
      rest = new Uint8Array(this.#held.length + chunk.length);
      rest.set(this.#held);
      rest.set(chunk, this.#held.length);
      this.reset();
    }
    while (rest.length > 0) {
      const size = replyBytes(rest);
      if (size === 0) {
        this.#discarded++;
        return;
      }
      if (size === undefined || rest.length < size) break;
      sink(rest.length === size ? rest : rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    if (rest.length > 0) this.#held = rest.slice();
  }

  /** Forgets a partial reply. */
  reset(): void {
    this.#held = new Uint8Array(0);
  }
}
