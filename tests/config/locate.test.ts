// Lines that an operator can trust, in files with every way to write a key.

import { expect, spyOn, test } from "bun:test";
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

test("lineOfKey() numbers the entries of lists of tables", () => {
  const text = "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\n[[a.e]]\nf = 4\n";
  expect(lineOfKey(text, ["a", "0", "b"])).toBe(2);
  expect(lineOfKey(text, ["a", "1"])).toBe(3);
  expect(lineOfKey(text, ["a", "1", "b"])).toBe(4);
  expect(lineOfKey(text, ["a", "1", "c", "d"])).toBe(6);
  expect(lineOfKey(text, ["a", "1", "e", "1", "f"])).toBe(9);
});

/** Returns what `work` comes to, and how many bytes the parser was given for it. */
function parsed<T>(work: () => T): readonly [T, number] {
  const parse = spyOn(Bun.TOML, "parse");
  try {
    const result = work();
    return [result, parse.mock.calls.reduce((bytes, [text]) => bytes + String(text).length, 0)];
  } finally {
    parse.mockRestore();
  }
}

const LINES = 20_000;
test.each<[string, string, number]>([
  ["a list", `a = [\n${"1,\n".repeat(LINES)}]\nb = 1\n`, LINES + 3],
  ["a string", `a = """\n${"x\n".repeat(LINES)}"""\nb = 1\n`, LINES + 3],
  ["many settings", `${Array.from({ length: 4000 }, (_, i) => `k${i} = 1\n`).join("")}b = 1\n`, 4001],
])("lineOfKey() has the parser read %s once", (_, text, line) => {
  const [found, bytes] = parsed(() => lineOfKey(text, ["b"]));
  expect(found).toBe(line);
  expect(bytes).toBeLessThanOrEqual(2 * text.length);
});

test("lineOfSyntaxError() has the parser read a long file once", () => {
  const text = `${"a = 1\n".repeat(LINES)}b = = 1\n`;
  const [found, bytes] = parsed(() => lineOfSyntaxError(text));
  expect(found).toBe(LINES + 1);
  expect(bytes).toBeLessThanOrEqual(2 * text.length);
});

test("lineOfSyntaxError() leaves it at the parser's message when statements of a long file are at odds", () => {
  const text = `${Array.from({ length: 4000 }, (_, i) => `k${i} = 1\n`).join("")}${"k1 = 2\n"}`;
  const [found, bytes] = parsed(() => lineOfSyntaxError(text));
  expect(found).toBeUndefined();
  expect(bytes).toBeLessThanOrEqual(2 * text.length);
});
