// The members of one of our values in the bytes of a frame, both ways: what the extension's table is made of.

import { type Field, type Fields, u32 } from "./layout.ts";
import { setU32At, u32At } from "./little-endian.ts";
import type { Words } from "./words.ts";

/** How a value stands in a frame. Writing needs zeroed bytes. */
interface Part<T> {
  read(from: Uint8Array): T;
  write(into: Uint8Array, value: T): void;
  /** Returns what is out of bounds, such as "unit is 7; it may be 1 to 6"; absent when nothing can be. */
  wrong?(from: Uint8Array): string | undefined;
}
/** One C member: its own name in C when that isn't our name in snake_case. */
type One<T> = Part<T> & Field<T> & { readonly name?: string };
/** Some C members by their names. */
export type Some<T> = Part<T> & { readonly fields: Fields };
/** Where each member of `T` stands. */
export type Members<T> = {
  readonly [K in keyof T]-?: One<Required<T>[K]> | Some<Required<T>[K]>;
};

/** A u32 `name` that `fits`, or what its bounds are. */
const bounded = (
  name: string,
  offset: number,
  fits: (n: number) => boolean,
  bounds: string,
): One<number> => ({
  ...u32(offset),
  name,
  wrong(from) {
    const number = u32At(from, offset);
    return fits(number) ? undefined : `${name} is ${number}; ${bounds}`;
  },
});

/** A u32 `name` from `least` to `most`. */
export const within = (name: string, offset: number, least: number, most: number, bounds?: string) =>
  bounded(name, offset, (n) => n >= least && n <= most, bounds ?? `it may be ${least} to ${most}`);

/** A u32 `name`, a word by its number; another number is wrong, and reads as `otherwise`. */
export const word = <T extends string>(name: string, offset: number, of: Words<T>, otherwise: T): One<T> => ({
  ...bounded(name, offset, (n) => of.word[n] !== undefined, `it may be ${of.range}`),
  read: (from) => of.word[u32At(from, offset)] ?? otherwise,
  write: (into, value) => setU32At(into, offset, of.number[value]),
});

/** A bit of the number `name`, which may have others. */
export const bit = (name: string, field: Field<number>, mask: number): One<boolean> => ({
  ...field,
  name,
  read: (from) => (field.read(from) & mask) !== 0,
  write: (into, on) => on && field.write(into, field.read(into) | mask),
});

/** A list of at most `most`, of which the u32 `count` at byte `offset` says how many are sent: what is past the room is cut. */
export function page<T>(
  offset: number,
  most: number,
  fields: Fields,
  at: (index: number) => Part<T>,
): Some<readonly T[]> {
  const count = u32(offset);
  const entries = Array.from({ length: most }, (_, index) => at(index));
  return {
    fields: { count, ...fields },
    read: (from) => entries.slice(0, count.read(from)).map((entry) => entry.read(from)),
    write(into, values) {
      const some = values.slice(0, most);
      count.write(into, some.length);
      for (const [i, value] of some.entries()) entries[i]?.write(into, value);
    },
  };
}

/** A value of the members `of`; reading it makes one object, with what is in `beside` as well. */
export function members<T extends object>(of: Members<Omit<T, "do">>, beside: Partial<T> = {}): Some<T> {
  const all = Object.entries<One<unknown> | Some<unknown>>(of).map(([key, part]) => ({ key, part }));
  const named = all.map(({ key, part }) =>
    "fields" in part ? part.fields : { [part.name ?? snake(key)]: part },
  );
  const checks = all.flatMap(({ part }) => (part.wrong === undefined ? [] : [part]));
  const empty: Record<string, unknown> = { ...beside };
  for (const { key } of all) empty[key] = undefined;
  return {
    fields: Object.assign({}, ...named),
    read(from) {
      const value = { ...empty };
      for (const { key, part } of all) value[key] = part.read(from);
      return value as T;
    },
    write(into, value) {
      for (const { key, part } of all) part.write(into, value[key as keyof T]);
    },
    wrong(from) {
      for (const part of checks) {
        const wrong = part.wrong?.(from);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    },
  };
}

const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
