// A stream of bytes becomes frames here, one at a time as they are served; a torn write, a guest that died half-way or an old format shifts none.

import { COMMAND, type Generation, hasCommand, REQUEST_BYTES } from "./constants.ts";
import { channelPacket464 } from "./dpdk.ts";
import { u32At } from "./little-endian.ts";
import { hasName } from "./name.ts";

/** A guest writes a packet in one write, so this much silence is a frame boundary. */
const SILENCE_MS = 100;
/** A partial frame older than this is what a guest left behind when it died. */
const STALE_MS = 1000;
const COMMAND_AT = channelPacket464.fields.command.offset;
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
  #discarding = false;
  #dropped = 0;
  #resyncs = 0;

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

  /** How often the stream was out of step and everything up to the next silence was discarded. */
  get resyncs(): number {
    return this.#resyncs;
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
    if (this.#discarding) {
      if (!silence) return;
      this.#discarding = false;
    }
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
   * Returns the next whole frame of what was taken, or undefined when there is none. The caller may change and keep it: it is the
   * chunk itself or a part of it unless the frame came in pieces, and the cutter does not look at it again.
   */
  next(): Uint8Array | undefined {
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
    let frame: Uint8Array;
    if (this.#heldBytes > 0) {
      frame = this.#withHeld(bytes.subarray(at, end));
      this.#heldBytes = 0;
      if (!canBePacket(frame, 0, generation)) return this.#resync();
    } else {
      if (!canBePacket(bytes, at, generation)) return this.#resync();
      frame = end - at === bytes.length ? bytes : bytes.subarray(at, end);
    }
    if (end === bytes.length) this.#bytes = undefined;
    else this.#at = end;
    return frame;
  }

  /** After silence `chunk` starts at a frame boundary: a guess may be corrected by it, a CONNECT starts everything afresh. */
  #listen(chunk: Uint8Array): void {
    const told = tell(chunk);
    if (told === undefined || (this.#told && u32At(chunk, COMMAND_AT) !== COMMAND.CONNECT)) return;
    if (!this.#auto && told !== this.#generation) return;
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
    this.#heldBytes = 0;
    this.#dropped++;
  }

  #resync(): undefined {
    this.#bytes = undefined;
    this.#heldBytes = 0;
    this.#discarding = true;
    this.#told = !this.#auto;
    this.#resyncs++;
  }
}

/** Returns the generation of which `bytes` are whole frames, or at least two and part of a third; undefined when they tell nothing. */
function tell(bytes: Uint8Array): Generation | undefined {
  return GENERATIONS.find((generation) => {
    const size = REQUEST_BYTES[generation];
    if (bytes.length < 2 * size && bytes.length !== size) return false;
    for (let at = 0; at + size <= bytes.length; at += size) {
      if (!canBePacket(bytes, at, generation)) return false;
    }
    return true;
  });
}

/** Returns whether the frame at byte `at` may be a packet: a command of its generation and a NUL in its name, which CONNECT need not have. */
function canBePacket(bytes: Uint8Array, at: number, generation: Generation): boolean {
  const command = u32At(bytes, at + COMMAND_AT);
  if (!hasCommand(generation, command)) return false;
  return command === COMMAND.CONNECT || generation === "2014" || hasName(bytes, at);
}
