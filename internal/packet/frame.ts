// A stream of bytes becomes frames here, one at a time as they are served; a torn write, a stray byte, a guest that died half-way or an old format shifts none for long.

import { COMMAND, type Generation, REQUEST_BYTES } from "./constants.ts";
import { u32At } from "./little-endian.ts";
import { canBePacket, COMMAND_AT, HEAD_BYTES, looksLikePacket } from "./likely.ts";

/** A guest writes a packet in one write, so this much silence is a frame boundary. */
const SILENCE_MS = 100;
/** A partial frame older than this is what a guest left behind when it died. */
const STALE_MS = 1000;
const NEWEST: Generation = "18.11";
const GENERATIONS: readonly Generation[] = ["2014", "17.11", "18.11"];

/** Cuts one channel's stream into request frames, finds out their generation and falls back in step; beside one chunk it holds less than a frame. */
export class FrameCutter {
  readonly #auto: boolean;
  /** What was taken, from `#at` on; undefined once all of it is handed out. */
  #bytes: Uint8Array | undefined;
  #at = 0;
  /** Room for an incomplete frame, once there has been one: guests write whole ones. */
  #held: Uint8Array | undefined;
  #heldBytes = 0;
  #heldSinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #generation: Generation | undefined;
  /** False while `#generation` is a guess, so that any burst that tells may correct it. */
  #told: boolean;
  #dropped = 0;
  #resyncs = 0;
  #discarded = 0;

  /** @param wire the guest's generation, or "auto" to learn it from the first bytes (docs/protocol.md, Generations). */
  constructor(wire: "auto" | Generation) {
    this.#auto = wire === "auto";
    this.#told = !this.#auto;
    this.#generation = wire === "auto" ? undefined : wire;
  }

  /** The generation that frames are cut for; undefined until the bytes told or 464 of them told nothing. */
  get generation(): Generation | undefined {
    return this.#generation;
  }

  /** Partial frames dropped: older than 1 s, or cut off by a new CONNECT. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How often the stream was out of step and packets were found at another place. */
  get resyncs(): number {
    return this.#resyncs;
  }

  /** Bytes that became part of no frame: those of the dropped ones, and what was passed over on the way back into step. */
  get discardedBytes(): number {
    return this.#discarded;
  }

  /** Whether something of what was taken is not handed out yet. */
  get waits(): boolean {
    return this.#bytes !== undefined;
  }

  /**
   * Takes what was received, once nothing of what came before waits any more.
   * @param nowMs when it was received, by a clock that never goes back, in ms
   */
  take(chunk: Uint8Array, nowMs: number): void {
    if (chunk.length === 0) return;
    const silence = nowMs - this.#lastMs >= SILENCE_MS;
    this.#lastMs = nowMs;
    if (this.#heldBytes > 0 && nowMs - this.#heldSinceMs > STALE_MS) this.#drop();
    if (silence) this.#listen(chunk);
    let bytes = chunk;
    if (this.#generation === undefined) {
      bytes = this.#withHeld(chunk);
      const told = tell(bytes);
      if (told === undefined && bytes.length < REQUEST_BYTES[NEWEST]) return this.#hold(chunk);
      this.#generation = told ?? NEWEST;
      this.#told = told !== undefined;
      this.#heldBytes = 0;
    }
    this.#bytes = bytes;
    this.#at = 0;
  }

  /**
   * Returns the next whole frame of what was taken, or undefined when there is none. It may be no packet: in step, bytes of a packet's
   * size that nobody knows are one frame all the same. The caller may change and keep it: it is the chunk itself or a part of it unless
   * the frame came in pieces, and the cutter does not look at it again.
   */
  next(): Uint8Array | undefined {
    let frame = this.#cut();
    if (frame === undefined) return undefined;
    const generation = this.#generation ?? NEWEST;
    const sure = this.#isWhole(frame.length) || looksLikePacket(frame, 0, generation);
    if (!sure && this.#realign(frame)) frame = this.#cut();
    else if (!canBePacket(frame, 0, generation)) this.#told = !this.#auto;
    if (frame === undefined) return undefined;
    this.#at += frame.length - this.#heldBytes;
    this.#heldBytes = 0;
    if (this.#at === this.#bytes?.length) this.#bytes = undefined;
    return frame;
  }

  /** Returns the frame at hand, or holds what is left when that is less. */
  #cut(): Uint8Array | undefined {
    const bytes = this.#bytes;
    const generation = this.#generation;
    if (bytes === undefined || generation === undefined) return undefined;
    const at = this.#at;
    const end = at + REQUEST_BYTES[generation] - this.#heldBytes;
    if (end > bytes.length) {
      this.#bytes = undefined;
      this.#hold(bytes.subarray(at));
      return undefined;
    }
    const part = end - at === bytes.length ? bytes : bytes.subarray(at, end);
    return this.#heldBytes > 0 ? this.#withHeld(part) : part;
  }

  /**
   * The frame at hand does not look like a packet: goes to where one is, when these bytes tell that they are out of step. Returns false
   * when they don't: then it is a CONNECT, an odd request or a command that nobody here knows, and what follows it is in step.
   */
  #realign(frame: Uint8Array): boolean {
    const generation = this.#generation ?? NEWEST;
    let bytes = this.#bytes ?? frame;
    if (this.#heldBytes > 0) {
      const told = tell(bytes, looksLikePacket);
      if (told !== undefined && (told === generation || !this.#told)) {
        this.#generation = told;
        this.#told = true;
        this.#skip(this.#heldBytes);
        this.#heldBytes = 0;
        return true;
      }
      bytes = this.#withHeld(bytes);
    }
    const from = this.#heldBytes > 0 ? 0 : this.#at;
    const found = seek(bytes, from, generation);
    if (found === undefined) return false;
    this.#skip(found - from);
    this.#bytes = bytes;
    this.#at = found;
    this.#heldBytes = 0;
    return true;
  }

  /** Whether the frame at hand, of `size` bytes, is one of a chunk that is whole frames from its begin to its end, as it was written. */
  #isWhole(size: number): boolean {
    return this.#heldBytes === 0 && this.#at % size === 0 && (this.#bytes?.length ?? 1) % size === 0;
  }

  /** After silence `chunk` starts at a frame boundary: a guess may be corrected by it, a CONNECT starts everything afresh. */
  #listen(chunk: Uint8Array): void {
    const told = tell(chunk);
    const other = told !== this.#generation;
    if (told === undefined || (other && this.#told && u32At(chunk, COMMAND_AT) !== COMMAND.CONNECT)) return;
    if (!this.#auto && other) return;
    this.#generation = told;
    this.#told = true;
    if (this.#heldBytes > 0) this.#drop();
  }

  #hold(bytes: Uint8Array): void {
    if (this.#heldBytes === 0) this.#heldSinceMs = this.#lastMs;
    this.#held ??= new Uint8Array(REQUEST_BYTES[NEWEST]);
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes += bytes.length;
  }

  /** Returns fresh bytes: what is held, then `bytes`; or `bytes` itself when nothing is. */
  #withHeld(bytes: Uint8Array): Uint8Array {
    if (this.#held === undefined || this.#heldBytes === 0) return bytes;
    const all = new Uint8Array(this.#heldBytes + bytes.length);
    all.set(this.#held.subarray(0, this.#heldBytes));
    all.set(bytes, this.#heldBytes);
    return all;
  }

  #drop(): void {
    this.#discarded += this.#heldBytes;
    this.#heldBytes = 0;
    this.#dropped++;
  }

  #skip(bytes: number): void {
    this.#discarded += bytes;
    this.#resyncs++;
  }
}

/**
 * Returns the generation of which `bytes` are whole frames, or at least two and part of a third; undefined when they tell nothing.
 * @param is whether the bytes at a place are a packet of a generation
 */
function tell(bytes: Uint8Array, is = canBePacket): Generation | undefined {
  return GENERATIONS.find((generation) => {
    const size = REQUEST_BYTES[generation];
    if (bytes.length < 2 * size && bytes.length !== size) return false;
    for (let at = 0; at + size <= bytes.length; at += size) {
      if (!is(bytes, at, generation)) return false;
    }
    return true;
  });
}

/**
 * Returns where packets go on in `bytes`, less than a frame after `from`: one that looks like a packet and reaches to the end of what
 * was written, or has another behind it. Undefined where none does, or where the frame after the one at `from` looks like one.
 */
function seek(bytes: Uint8Array, from: number, generation: Generation): number | undefined {
  const size = REQUEST_BYTES[generation];
  const head = HEAD_BYTES[generation];
  const next = from + size;
  if (next + head <= bytes.length && looksLikePacket(bytes, next, generation)) return undefined;
  for (let at = from + 1; at < next && at + size <= bytes.length; at++) {
    if (!looksLikePacket(bytes, at, generation)) continue;
    const end = at + size;
    if (end === bytes.length) return at;
    if (end + head <= bytes.length && looksLikePacket(bytes, end, generation)) return at;
  }
  return undefined;
}
