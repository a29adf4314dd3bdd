// Numbers straight from bytes: without these the hot path would make a DataView for every frame.

/** Returns the u32 at byte `at`; the caller has checked that `at` + 4 bytes are there. */
export function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Returns the u64 at byte `at` as a number, rounded above 2^53: such a number is out of every bound anyway. */
export function u64At(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at) + u32At(bytes, at + 4) * 0x1_0000_0000;
}

/** Writes `value` (taken modulo 2^32) as the u32 at byte `at`. */
export function setU32At(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
