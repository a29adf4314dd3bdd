// A C struct as a table of offsets that checks itself for overlap and size.

import { setU32At, u32At, u64At } from "./little-endian.ts";

/** One member of a C struct: where it stands, its C type, and how its value is read and written (little-endian). */
export interface Field<T> {
  readonly offset: number;
  readonly bytes: number;
  readonly c: string;
  read(from: Uint8Array): T;
  write(into: Uint8Array, value: T): void;
}

/** Members by their names in C. */
export type Fields = Readonly<Record<string, Field<unknown>>>;
/** The values of a table's members by name. */
type Values<F extends Fields> = { -readonly [K in keyof F]: ReturnType<F[K]["read"]> };

/** A C struct: its name, its size in bytes, its members, and both directions. */
export interface Layout<F extends Fields> {
  readonly name: string;
  readonly size: number;
  readonly fields: F;
  /** Returns every member's value; throws RangeError when `from` is not exactly `size` bytes. */
  decode(from: Uint8Array): Values<F>;
  /**
   * Returns `size` zeroed bytes with the given members set: fresh ones, or the front of `into`.
   * Errors: RangeError when `into` is too short or a value doesn't fit its member.
   */
  encode(values: Partial<Values<F>>, into?: Uint8Array): Uint8Array;
}

/** Describes the C struct `name` of `size` bytes; throws at load when members overlap or run over its end. */
export function layout<F extends Fields>(name: string, size: number, fields: F): Layout<F> {
  let end = 0;
  let previous = "the start";
  for (const [key, field] of Object.entries(fields).sort((a, b) => a[1].offset - b[1].offset)) {
    if (field.offset < end) {
      throw new Error(`${name}.${key} at ${field.offset} overlaps ${previous}, which ends at ${end}`);
    }
    end = field.offset + field.bytes;
    previous = key;
  }
  if (end > size) throw new Error(`${name}.${previous} ends at ${end}, past the struct's ${size} bytes`);
  return {
    name,
    size,
    fields,
    decode(from) {
      if (from.length !== size) throw new RangeError(`${name} has ${size} bytes, not ${from.length}`);
      return Object.fromEntries(
        Object.entries(fields).map(([key, field]) => [key, field.read(from)]),
      ) as Values<F>;
    },
    encode(values, into = new Uint8Array(size)) {
      if (into.length < size) throw new RangeError(`${name} needs ${size} bytes, not ${into.length}`);
      const bytes = into.length === size ? into : into.subarray(0, size);
      bytes.fill(0);
      for (const [key, value] of Object.entries(values)) {
        if (value !== undefined) fields[key]?.write(bytes, value);
      }
      return bytes;
    },
  };
}

/** A uint8_t (or bool) at byte `offset`. */
export const u8 = (offset: number): Field<number> => ({
  offset,
  bytes: 1,
  c: "uint8_t",
  read: (from) => from[offset] ?? 0,
  write: (into, value) => void (into[offset] = value),
});

/** A uint32_t (or unsigned enum) at byte `offset`. */
export const u32 = (offset: number): Field<number> => ({
  offset,
  bytes: 4,
  c: "uint32_t",
  read: (from) => u32At(from, offset),
  write: (into, value) => setU32At(into, offset, value),
});

/** An int at byte `offset`. */
export const i32 = (offset: number): Field<number> => ({
  ...u32(offset),
  c: "int32_t",
  read: (from) => u32At(from, offset) | 0,
});

/** A uint64_t at byte `offset`, as a number: exact up to 2^53, rounded above. */
export const u64 = (offset: number): Field<number> => ({
  offset,
  bytes: 8,
  c: "uint64_t",
  read: (from) => u64At(from, offset),
  write: (into, value) => {
    setU32At(into, offset, value);
    setU32At(into, offset + 4, Math.floor(value / 0x1_0000_0000));
  },
});

const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** A NUL-terminated char array of `bytes` bytes; reading stops at its end when the NUL is missing, writing throws RangeError when there is no room for it. */
export const cstr = (offset: number, bytes: number): Field<string> => ({
  offset,
  bytes,
  c: `char[${bytes}]`,
  read: (from) => {
    const all = from.subarray(offset, offset + bytes);
    const end = all.indexOf(0);
    return text.decode(end < 0 ? all : all.subarray(0, end));
  },
  write: (into, value) => {
    const encoded = new TextEncoder().encode(value);
    if (encoded.length >= bytes) {
      throw new RangeError(`${JSON.stringify(value)} has ${encoded.length} bytes; at most ${bytes - 1} fit`);
    }
    if (encoded.includes(0)) throw new RangeError(`${JSON.stringify(value)} has a NUL in it`);
    into.set(encoded, offset);
  },
});

/** Returns as many whole characters of `text`, up to a NUL, as fit in `bytes` with a NUL after them. */
export function cut(text: string, bytes: number): string {
  const whole = text.split("\0", 1)[0] ?? "";
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(bytes - 1));
  return whole.slice(0, read);
}

/** `count` members of one kind in a row; writing fewer leaves the rest zero, writing more throws RangeError. */
export function array<T>(
  offset: number,
  count: number,
  of: (offset: number) => Field<T>,
): Field<readonly T[]> {
  const width = of(offset).bytes;
  const members = Array.from({ length: count }, (_, i) => of(offset + i * width));
  return {
    offset,
    bytes: count * width,
    c: `${of(offset).c}[${count}]`,
    read: (from) => members.map((member) => member.read(from)),
    write: (into, values) => {
      if (values.length > count) throw new RangeError(`${values.length} values; at most ${count} fit`);
      values.forEach((value, i) => members[i]?.write(into, value));
    },
  };
}
