import { expect, test } from "bun:test";
import { keysOf, press, START, type TopState } from "../../internal/top/state.ts";

/** Presses keys one after the other, among 30 rows. */
function after(...keys: readonly string[]): TopState | "quit" {
  let state: TopState | "quit" = START;
  for (const key of keys) {
    if (state === "quit") throw new Error(`${JSON.stringify(key)} comes after the end`);
    state = press(state, key, 30, "vm1");
  }
  return state;
}

test("keysOf() cuts what a terminal sends: sequences whole, characters of any plane alone", () => {
  expect(keysOf("q\u001b[Aj\u001b[6~\u001b\u001b[Bä😀")).toEqual([
    "q",
    "\u001b[A",
    "j",
    "\u001b[6~",
    "\u001b",
    "\u001b[B",
    "ä",
    "😀",
  ]);
  expect(keysOf("")).toEqual([]);
});

test.each([
  [["q"], "quit"],
  [["\u0003"], "quit"],
  [["/", "q", "\u0003"], "quit"],
  [["\t"], { ...START, pane: "vms" }],
  [["\t", "\t"], START],
  [["s"], { ...START, clockSort: "frequency" }],
  [["s", "s", "s"], { ...START, clockSort: "busy" }],
  [["s", "s", "s", "s"], START],
  [["\r"], START],
  [["\t", "\r"], { ...START, pane: "vms", vm: "vm1" }],
  [["\t", "\r", "\u001b"], { ...START, pane: "vms" }],
  [["c"], { ...START, view: "told" }],
  [["c", "c"], START],
  [["/", "a", "\r", "c", "\u001b"], { ...START, filter: "a" }],
  [["\t", "s"], { ...START, pane: "vms", vmSort: "requests" }],
  [["j", "\u001b[B"], { ...START, clockRow: 2 }],
  [["j", "\t", "\u001b[6~", "k"], { ...START, pane: "vms", clockRow: 1, vmRow: 9 }],
  [["\u001b[6~", "\u001b[6~", "\u001b[6~", "\u001b[6~"], { ...START, clockRow: 29 }],
  [["\u001b[6~", "\u001b[H"], START],
  [["\u001b[A", "k"], START],
  [["p"], { ...START, paused: true }],
  [["p", " "], START],
  [["?"], { ...START, help: true }],
  [["h", "h"], START],
  [["x", "\u001b[Z", "r"], START],
  [["/", "v", "m", "ä", "\u007f", "1", "\r"], { ...START, filter: "vm1" }],
  [["/", "q", "\r", "\u001b"], START],
  [["/", "a", "\u001b"], START],
  [["/", "a", "\u001b[A", "\t"], { ...START, filter: "a", typing: true }],
] as const)("press() %j", (keys, state) => {
  expect(after(...keys)).toEqual(state as never);
});

test("press() keeps a filter to 40 characters", () => {
  const state = after("/", ..."x".repeat(60));
  expect(state === "quit" || state.filter).toBe("x".repeat(40));
});
