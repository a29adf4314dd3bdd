// A table that lies must not load: the offsets of every packet stand on these checks.

import { expect, test } from "bun:test";
import { array, cstr, i32, layout, u8, u32, u64 } from "../../internal/packet/layout.ts";

test("layout() throws at load when members overlap, whatever their order", () => {
  expect(() => layout("s", 16, { b: u32(6), a: u64(0) })).toThrow("s.b at 6 overlaps a, which ends at 8");
});

test("layout() throws at load when a member runs over the end", () => {
  expect(() => layout("s", 16, { a: u32(0), list: array(8, 3, u32) })).toThrow(
    "s.list ends at 20, past the struct's 16 bytes",
  );
});

test("encode() round-trips every kind of member at its limits", () => {
  const s = layout("s", 48, {
    a: u8(0),
    b: u32(4),
    c: i32(8),
    d: u64(16),
    e: cstr(24, 6),
    f: array(32, 3, i32),
  });
  const values = { a: 255, b: 0xffff_ffff, c: -2_147_483_648, d: 2 ** 53 - 1, e: "née", f: [-1, 0, 1] };
  expect(s.decode(s.encode(values))).toEqual(values);
});

test("encode() zeroes what it is given and fills its front only", () => {
  const s = layout("s", 8, { a: u8(1) });
  const into = new Uint8Array(10).fill(0xaa);
  const bytes = s.encode({ a: 7 }, into);
  expect([...into]).toEqual([0, 7, 0, 0, 0, 0, 0, 0, 0xaa, 0xaa]);
  expect(bytes.length).toBe(8);
  expect(bytes.buffer).toBe(into.buffer);
  expect(() => s.encode({}, new Uint8Array(7))).toThrow("s needs 8 bytes, not 7");
});

test("decode() throws when the size is not the struct's", () => {
  expect(() => layout("s", 8, { a: u8(1) }).decode(new Uint8Array(9))).toThrow("s has 8 bytes, not 9");
});

test("cstr() refuses text without room for its NUL, or with a NUL in it", () => {
  const s = layout("s", 4, { name: cstr(0, 4) });
  expect(s.encode({ name: "abc" })).toEqual(Uint8Array.of(97, 98, 99, 0));
  expect(() => s.encode({ name: "abcd" })).toThrow('"abcd" has 4 bytes; at most 3 fit');
  expect(() => s.encode({ name: "ééé" })).toThrow("has 6 bytes");
  expect(() => s.encode({ name: "a\0b" })).toThrow("has a NUL in it");
});

test("cstr() reads to the end of the member when the NUL is missing", () => {
  expect(layout("s", 4, { name: cstr(0, 4) }).decode(Uint8Array.of(97, 98, 99, 100))).toEqual({
    name: "abcd",
  });
});

test("array() refuses more values than it has members", () => {
  const s = layout("s", 4, { list: array(0, 4, u8) });
  expect(s.encode({ list: [1, 2] })).toEqual(Uint8Array.of(1, 2, 0, 0));
  expect(() => s.encode({ list: [1, 2, 3, 4, 5] })).toThrow("5 values; at most 4 fit");
});
