// Holds the host's side of a grant: from when it counts, when it ends, and what is not believed.

import { expect, test } from "bun:test";
import { Holder } from "../../internal/fleet/holder.ts";
import { type Entry, GRANT_MS, type Ledger } from "../../internal/fleet/ledger.ts";

const ledger = (seq: number, entry: Partial<Entry>): Ledger => ({
  seq,
  budget: 1000,
  hosts: { a: { fallback: 50, watts: 90, held: 90, since: 1, run: "r", beat: 1, ...entry } },
});

test("limit() is the fallback until a grant, and again when it has ended, counted from the report", () => {
  const holder = new Holder("a", "r", 50);
  expect(holder.limit(0)).toBe(50);
  expect(holder.ask(1000)).toEqual({ run: "r", beat: 1, ack: 0 });
  holder.hear(1, ledger(7, {}), 3000);
  expect([holder.limit(3000), holder.until]).toEqual([90, 1000 + GRANT_MS]);
  expect(holder.limit(999 + GRANT_MS)).toBe(90);
  expect(holder.limit(1000 + GRANT_MS)).toBe(50);
  expect(holder.ask(8000).ack).toBe(0);
  holder.acted();
  expect(holder.ask(9000).ack).toBe(7);
});

test("hear() takes no answer but the last report's, and each once", () => {
  const holder = new Holder("a", "r", 50);
  holder.ask(0);
  holder.ask(1000);
  holder.hear(1, ledger(7, {}), 1100);
  expect(holder.limit(1100)).toBe(50);
  holder.hear(2, ledger(8, {}), 1200);
  holder.hear(2, ledger(9, { watts: 500 }), 1300);
  expect(holder.limit(1300)).toBe(90);
});

test.each([
  ["another start of the daemon", { run: "old" }],
  ["a report that was never sent", { beat: 9 }],
])("hear() takes no grant for %s", (_, entry) => {
  const holder = new Holder("a", "r", 50);
  holder.ask(0);
  holder.hear(1, ledger(7, entry), 10);
  expect(holder.limit(10)).toBe(50);
});

test("hear() ends the grant of a host that the ledger has no more", () => {
  const holder = new Holder("a", "r", 50);
  holder.ask(0);
  holder.hear(1, ledger(7, {}), 10);
  holder.ask(1000);
  holder.hear(2, { seq: 8, budget: 1000, hosts: {} }, 1010);
  expect(holder.limit(1010)).toBe(50);
});

test("hear() believes an older ledger only when its grant has ended: etcd was put back from a backup", () => {
  const holder = new Holder("a", "r", 50);
  holder.ask(0);
  holder.hear(1, ledger(70, {}), 10);
  holder.ask(1000);
  holder.hear(2, ledger(7, { watts: 500, beat: 2 }), 1010);
  expect(holder.limit(1010)).toBe(90);
  holder.ask(9000);
  holder.hear(3, ledger(8, { watts: 60, beat: 3 }), 9010);
  expect(holder.limit(9010)).toBe(60);
});

test("fallback waits to be raised until the ledger counts it, and is lowered at once", () => {
  const raised = new Holder("a", "r", 80, 50);
  expect(raised.fallback).toBe(50);
  raised.ask(0);
  raised.hear(1, ledger(7, { fallback: 80 }), 10);
  expect(raised.fallback).toBe(80);
  const lowered = new Holder("a", "r", 30, 50);
  expect([lowered.fallback, lowered.counted]).toEqual([30, 30]);
  lowered.ask(0);
  lowered.hear(1, ledger(7, {}), 10);
  expect(lowered.counted).toBe(30);
  expect(new Holder("a", "r", 80).fallback).toBe(80);
});
