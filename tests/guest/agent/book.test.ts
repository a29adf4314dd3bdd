import { expect, test } from "bun:test";
import { Book } from "../../../internal/guest/agent/book.ts";
import type { Wish } from "../../../internal/guest/agent/wish.ts";

const A = { name: "a", lastResort: false };
const B = { name: "b", lastResort: false };
const GOVERNOR = { name: "governor", lastResort: true };
const wish = (khz: number): Wish => ({ by: "khz", khz, turbo: false });
const TABLE = { steps: [], nominal: 0, turboAtStart: false };

test("highest() is the highest wish, the first of equal ones, and the governor's only where it is alone", () => {
  const book = new Book();
  expect(book.highest(0, TABLE)).toBeUndefined();
  book.set(GOVERNOR, 0, wish(9));
  expect(book.highest(0, TABLE)?.holder).toBe(GOVERNOR);
  book.set(A, 0, wish(2));
  book.set(B, 0, wish(2));
  expect(book.highest(0, TABLE)?.holder).toBe(A);
  book.set(B, 0, wish(3));
  expect(book.highest(0, TABLE)).toEqual({ holder: B, wish: wish(3) });
  book.set(A, 0, undefined);
  book.set(B, 0, undefined);
  expect(book.highest(0, TABLE)?.holder).toBe(GOVERNOR);
});

test("vcpusOf() and vcpus forget what nobody wants any more", () => {
  const book = new Book();
  book.set(A, 0, wish(1));
  book.set(A, 5, wish(1));
  book.set(B, 5, wish(1));
  expect(book.vcpusOf(A)).toEqual([0, 5]);
  book.set(A, 0, undefined);
  book.set(A, 5, undefined);
  expect([book.vcpusOf(A), book.vcpus]).toEqual([[], [5]]);
});
