// Lines that an operator can trust, in files with every way to write a key.

import { expect, test } from "bun:test";
import { lineOfKey, lineOfSyntaxError } from "../../internal/config/locate.ts";

const TEXT = `# head

state_dir = "/a"
channels.dirs = [
  "/b",   # first
  "/c",
]
[vm.a]
pins = {
  0 = 2,
  1 = 3,
}
floor = """
x
"""
[vm."b.c"]
floor = 1

[vm.a.rate]
burst = 3`;

test.each<[string[], number | undefined]>([
  [["state_dir"], 3],
  [["channels"], 4],
  [["channels", "dirs", "1"], 4],
  [["vm"], 8],
  [["vm", "a"], 8],
  [["vm", "a", "pins", "1"], 9],
  [["vm", "a", "floor"], 13],
  [["vm", "b.c"], 16],
  [["vm", "b.c", "floor"], 17],
  [["vm", "a", "rate", "burst"], 20],
  [["vm", "b"], undefined],
  [["toString"], undefined],
])("lineOfKey() finds %j at line %p", (path, line) => {
  expect(lineOfKey(TEXT, path)).toBe(line as number);
});

test("lineOfKey() finds every key of a long file when statements of many lines lie between", () => {
  const text = Array.from({ length: 200 }, (_, i) => `[vm.v${i}]\npins = {\n 0 = 1,\n}\nturbo = true\n`).join(
    "",
  );
  for (const i of [0, 1, 63, 99, 100, 198, 199]) {
    expect([
      lineOfKey(text, ["vm", `v${i}`, "pins", "0"]),
      lineOfKey(text, ["vm", `v${i}`, "turbo"]),
    ]).toEqual([i * 5 + 2, i * 5 + 5]);
  }
});

test.each<[string, number]>([
  ["a = = 1", 1],
  ["a = 1\nb = 'x\nc = 2\n", 2],
  ["a = 1\n\n[x]\ny = 1\n[x]\nz = 2\n", 5],
  ["a = [\n 1,\n 2,\n b = 3\n]\n", 4],
  ["[x\n", 1],
])("lineOfSyntaxError() of %j is %p", (text, line) => {
  expect(lineOfSyntaxError(text)).toBe(line);
});
