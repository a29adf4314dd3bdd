import { expect, test } from "bun:test";
import { editDistance, nearest } from "../../internal/values/nearest.ts";

test.each([
  ["", "", 0],
  ["", "abc", 3],
  ["scale", "scale", 0],
  ["scael", "scale", 1],
  ["scal", "scale", 1],
  ["sclae", "scale", 1],
  ["kitten", "sitting", 3],
  ["ca", "abc", 3],
])("editDistance() of %p and %p is %p, both ways", (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

test.each([
  ["scael", "scale"],
  ["--jsno", "--json"],
  ["--timeoutMs", "--timeout-ms"],
  ["toString", undefined],
  ["x", undefined],
  ["", undefined],
])("nearest() names for %p %p", (word, right) => {
  expect(nearest(word, ["scale", "freq", "--json", "--timeout-ms"])).toBe(right);
});

test("nearest() takes the first of equals", () => {
  expect(nearest("aab", ["aac", "aad"])).toBe("aac");
  expect(nearest("aab", [])).toBeUndefined();
});

test("nearest() does not look into a word that is far longer than all others", () => {
  expect(nearest("e".repeat(3_000_000), Intl.supportedValuesOf("timeZone"))).toBeUndefined();
});
