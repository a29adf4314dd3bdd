// Holds JSON from outside to its depth, without a parser that runs out of stack.

import { expect, test } from "bun:test";
import { isDeeper, parseJson } from "../../internal/values/json.ts";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

test.each([
  ["no brackets", '"x"', 0, false],
  ["three arrays where three may be", nested(3), 3, false],
  ["three arrays where two may be", nested(3), 2, true],
  ["arrays beside each other", "[[],[],[]]", 2, false],
  ["brackets in a string", '["[[[["]', 1, false],
  ["brackets behind an escaped quote", String.raw`["\"[[[["]`, 1, false],
  ["brackets behind an escaped backslash", String.raw`["\\",[[]]]`, 2, true],
  ["brackets in a string without an end", '["[[[[', 1, false],
])("isDeeper() counts %s", (_, text, most, deeper) => {
  expect(isDeeper(text, most)).toBe(deeper);
});

test("parseJson() returns undefined for what is none, and for what nests too deep", () => {
  expect(parseJson('{"a":[1]}', 2)).toEqual({ a: [1] });
  expect(parseJson('{"a":[1]}', 1)).toBeUndefined();
  expect(parseJson(nested(1_000_000), 32)).toBeUndefined();
  expect(parseJson("[1")).toBeUndefined();
});
