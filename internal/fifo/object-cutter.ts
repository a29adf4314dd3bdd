// JSON objects out of a FIFO's stream, with a limit on their size and on how long one may stay unfinished.

/** Longest object in bytes; DPDK's host takes 1024. Source: examples/vm_power_manager/channel_monitor.c, MAX_JSON_STRING_LEN. */
export const MAX_OBJECT_BYTES = 8192;
/** An object that is not finished after this silence is given up, ms. */
export const UNFINISHED_MS = 5000;

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];
const BLANKS: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

/** Cuts a stream into the JSON objects in it, however it is split; holds one unfinished object at most. */
export class ObjectCutter {
  readonly #bytes = new Uint8Array(MAX_OBJECT_BYTES);
  #length = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #tooLong = false;
  #stray = false;
  #heardMs = 0;

  /**
   * Takes the next bytes. Calls `onObject` with the text of each finished object, and `onProblem` once for each object that is
   * too long or stayed unfinished and for each run of bytes that belong to none.
   * @param nowMs monotonic time
   */
  push(
    chunk: Uint8Array,
    nowMs: number,
    onObject: (text: string) => void,
    onProblem: (why: string) => void,
  ): void {
    if (this.#depth > 0 && nowMs - this.#heardMs > UNFINISHED_MS) {
      this.#reset();
      onProblem(`an object stayed unfinished for more than ${UNFINISHED_MS / 1000} s`);
    }
    this.#heardMs = nowMs;
    for (const byte of chunk) {
      if (this.#depth === 0 && byte !== OPEN) {
        if (!this.#stray && !BLANKS.includes(byte)) {
          this.#stray = true;
          onProblem('there is text outside of an object; an object starts with "{"');
        }
        continue;
      }
      this.#stray = false;
      this.#keep(byte, onProblem);
      if (!this.#ends(byte)) continue;
      if (!this.#tooLong) onObject(new TextDecoder().decode(this.#bytes.subarray(0, this.#length)));
      this.#reset();
    }
  }

  #keep(byte: number, onProblem: (why: string) => void): void {
    if (this.#length < MAX_OBJECT_BYTES) this.#bytes[this.#length++] = byte;
    else if (!this.#tooLong) {
      this.#tooLong = true;
      onProblem(`an object is longer than ${MAX_OBJECT_BYTES} bytes`);
    }
  }

  /** Follows strings and braces; returns whether `byte` closes the object. */
  #ends(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN) this.#depth++;
    else if (byte === CLOSE) return --this.#depth === 0;
    return false;
  }

  #reset(): void {
    this.#length = 0;
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#tooLong = false;
  }
}
