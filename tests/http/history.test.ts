import { expect, test } from "bun:test";
import { History, HISTORY_LENGTH } from "../../internal/http/history.ts";

test("of() returns a clock's samples as runs, 0 while nobody claimed it", () => {
  const history = new History();
  for (const khz of [undefined, undefined, 1_000_000, 1_000_000, 1_000_000, 2_000_000]) {
    history.sample([[4, khz]]);
  }
  expect(history.of(4)).toEqual([
    [2, 0],
    [3, 1_000_000],
    [1, 2_000_000],
  ]);
  expect(history.of(5)).toEqual([]);
});

test("of() keeps the last ten minutes and no more", () => {
  const history = new History();
  history.sample([[0, 5]]);
  for (let n = 0; n < HISTORY_LENGTH - 1; n++) history.sample([[0, 7]]);
  expect(history.of(0)).toEqual([
    [1, 5],
    [HISTORY_LENGTH - 1, 7],
  ]);
  history.sample([[0, 9]]);
  expect(history.of(0)).toEqual([
    [HISTORY_LENGTH - 1, 7],
    [1, 9],
  ]);
});

test("of() shows nobody for a clock that came late, or went", () => {
  const history = new History();
  history.sample([[0, 5]]);
  history.sample([
    [0, 5],
    [1, 6],
  ]);
  history.sample([[1, 6]]);
  expect(history.of(0)).toEqual([
    [2, 5],
    [1, 0],
  ]);
  expect(history.of(1)).toEqual([
    [1, 0],
    [2, 6],
  ]);
});

test("of() keeps an hour in samples of six looks and a day in samples of 144, each the highest of them", () => {
  const history = new History();
  for (let look = 0; look < 144 * 3; look++)
    history.sample([[0, look === 150 ? 9 : look % 6 === 3 ? 7 : undefined]]);
  history.sample([[0, 5]]);
  expect(history.of(0, "1h")).toEqual([
    [25, 7],
    [1, 9],
    [46, 7],
    [1, 5],
  ]);
  expect(history.of(0, "24h")).toEqual([
    [1, 7],
    [1, 9],
    [1, 7],
    [1, 5],
  ]);
  // What was there a range ago is gone.
  for (let look = 0; look < 6 * HISTORY_LENGTH; look++) history.sample([[0, undefined]]);
  expect(history.of(0, "1h").reduce((sum, [count]) => sum + count, 0)).toBe(HISTORY_LENGTH);
  expect(history.of(0, "1h")).toEqual([[HISTORY_LENGTH, 0]]);
});
