// Statements are cut where the parser itself would end them.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { statementsOf } from "../../internal/config/statements.ts";

const TRICKY = String.raw`
a = "x # no comment = \" [" # a comment = [
b = 'its \'

c = """
[not.a.header]
q = "" \""" = # """""
d = '''
{ ' '' '''' # '
e = [ # ]
  "]", { f = "}", g = [1.5] },
]
"h.i".j = 1
[k."l]m"]
n = 1`;

test("statementsOf() finds each statement, its line, and what it holds outside of strings and comments", () => {
  const found = statementsOf(TRICKY).map(({ line, text, settings, dots }) => [
    line,
    text.slice(0, 5),
    settings,
    dots,
  ]);
  expect(found).toEqual([
    [2, 'a = "', 1, 0],
    [3, "b = '", 1, 0],
    [5, 'c = "', 1, 0],
    [8, "d = '", 1, 0],
    [10, "e = [", 3, 1],
    [13, '"h.i"', 1, 1],
    [14, '[k."l', 0, 1],
    [15, "n = 1", 1, 0],
  ]);
});

test.each([
  ["tricky text", TRICKY],
  ["the example", readFileSync(join(import.meta.dir, "../../packaging/powermon.toml.example"), "utf8")],
])("statementsOf() of %s are TOML each, and together the same", (_, text) => {
  const statements = statementsOf(text);
  for (const statement of statements) expect(() => Bun.TOML.parse(statement.text)).not.toThrow();
  const together = statements.map((statement) => statement.text).join("\n");
  expect(Bun.TOML.parse(together)).toEqual(Bun.TOML.parse(text));
});

test.each(['"', "'", '"""x', "'''", "[[[", "a = [\n1,\n", '"\\', "\r\n\r\n#", "= = ="])(
  "statementsOf() ends with %j",
  (text) => {
    expect(statementsOf(text).length).toBeLessThanOrEqual(1);
  },
);
