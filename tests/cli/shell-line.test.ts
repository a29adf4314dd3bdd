import { expect, test } from "bun:test";
import { shellWordsOf } from "../../internal/cli/shell-line.ts";

test.each([
  ["", []],
  ["  \t ", []],
  ["# all of it", []],
  ["add_vm vm1 # the first", ["add_vm", "vm1"]],
  ["add_vm vm#1", ["add_vm", "vm#1"]],
  ["a\tb  c\r", ["a", "b", "c"]],
  ["vm show 'my vm'", ["vm", "show", "my vm"]],
  [`a "b 'c' #d"e ''`, ["a", "b 'c' #de", ""]],
  ["ä '\u{1f600} x'", ["ä", "\u{1f600} x"]],
])("shellWordsOf() cuts %j", (line, words) => {
  expect(shellWordsOf(line)).toEqual({ ok: true, value: words });
});

test.each([
  ["a 'b", "'"],
  ["a \"b'", '"'],
])("shellWordsOf() refuses the open quote of %j", (line, quote) => {
  expect(shellWordsOf(line)).toEqual({ ok: false, error: `The quote ${quote} is left open.` });
});
