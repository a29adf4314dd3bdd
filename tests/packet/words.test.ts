// Words and numbers, both ways: two words with one number would make a guest's request another one.

import { expect, test } from "bun:test";
import { words } from "../../internal/packet/words.ts";

test("words() finds the number of a word and the word of a number, in whatever order they are given", () => {
  const { number, word, range } = words({ up: 7, down: 3 });
  expect([number.up, number.down, word[7], word[3], range]).toEqual([7, 3, "up", "down", "3 to 7"]);
  expect([0, 1, 4, 8, -1, 2 ** 32].map((n) => word[n])).toEqual(Array(6).fill(undefined));
});

test("words() throws when two words have one number", () => {
  expect(() => words({ up: 1, down: 2, max: 1 })).toThrow("two of up,down,max have one number");
});
