import { expect, test } from "bun:test";
import { fit, redraw } from "../../internal/top/screen.ts";

test("redraw() sends the lines that changed and nothing else", () => {
  expect(redraw(["a", "b", "c"], ["a", "x", "c"])).toBe("\u001b[2;1Hx\u001b[0m\u001b[K");
  expect(redraw(["a", "b"], ["a", "b"])).toBe("");
  expect(redraw(["a", "b"], ["a"])).toBe("\u001b[2;1H\u001b[0m\u001b[K");
  expect(redraw(undefined, ["a"])).toBe("\u001b[2J\u001b[1;1Ha\u001b[0m\u001b[K");
});

test.each([
  ["abc", 5, false, "abc  "],
  ["abc", 5, true, "  abc"],
  ["abcdef", 4, false, "abc~"],
  ["日本語", 5, false, "日本~"],
  ["日本語", 4, false, "日~ "],
  ["abc", 0, false, ""],
  ["a\u001b[31mb", 8, false, "a?[31mb "],
  ["\u009b2J\u202e", 4, false, "?2J?"],
])("fit(%j, %d) has that many columns and nothing a terminal acts on", (text, width, right, fitted) => {
  expect(fit(text, width, right)).toBe(fitted);
});
