// A VM's name out of a frame; the last one is remembered, so that a request makes no new string.

import { BOUND } from "./constants.ts";
import { channelPacket464 } from "./dpdk.ts";

const AT = channelPacket464.fields.vm_name.offset;
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns whether the `vm_name` of the frame that starts at byte `at` of `bytes` has its NUL. */
export function hasName(bytes: Uint8Array, at: number): boolean {
  for (let i = at + AT; i < at + AT + BOUND.NAME_BYTES; i++) if (bytes[i] === 0) return true;
  return false;
}

/** Returns whether the same is a name as guests write it: no control character before its NUL, and nothing behind it. */
export function isNameText(bytes: Uint8Array, at: number): boolean {
  const end = at + AT + BOUND.NAME_BYTES;
  let i = at + AT;
  while (i < end && (bytes[i] as number) >= 0x20) if (bytes[i++] === 0x7f) return false;
  if (i === end) return false;
  while (i < end) if (bytes[i++] !== 0) return false;
  return true;
}

/** Reads the names of one channel's frames, which are nearly always the same. */
export class NameReader {
  readonly #bytes = new Uint8Array(BOUND.NAME_BYTES);
  #name = "";

  /** Returns the frame's `vm_name`, the string made before when its bytes up to the NUL are; undefined without a NUL. */
  read(frame: Uint8Array): string | undefined {
    for (let i = 0; i < BOUND.NAME_BYTES; i++) {
      const byte = frame[AT + i];
      if (byte !== this.#bytes[i]) return this.#learn(frame);
      if (byte === 0) return this.#name;
    }
    return undefined;
  }

  #learn(frame: Uint8Array): string | undefined {
    const field = frame.subarray(AT, AT + BOUND.NAME_BYTES);
    const end = field.indexOf(0);
    if (end < 0) return undefined;
    this.#bytes.set(field);
    this.#name = text.decode(field.subarray(0, end));
    return this.#name;
  }
}
