// Holds what a leader promises, and to whom it must not yet promise anything.

import { expect, test } from "bun:test";
import { type Group, Lead, type Report } from "../../internal/fleet/lead.ts";
import { type Entry, type Ledger, SILENT_MS } from "../../internal/fleet/ledger.ts";

const report = (beat: number, high: number, ack = 0, run = "r"): Report => ({
  ...{ run, beat, ack, drawn: 0, floor: 0 },
  demand: { high, normal: 0, low: 0 },
});
const entry = (more: Partial<Entry> = {}): Entry => ({
  ...{ fallback: 50, watts: 50, held: 50, since: 1, run: "r", beat: 1 },
  ...more,
});
const TWO = new Map([
  ["a", 50],
  ["b", 50],
]);
const group = (ledger: Ledger | undefined, more: Partial<Group> = {}): Group => ({
  ...{ revision: 10, ledger, wanted: 200, members: TWO, reports: new Map() },
  ...more,
});
const wattsOf = (ledger: Ledger | undefined) =>
  Object.entries(ledger?.hosts ?? {}).map(([name, { watts, held }]) => [name, watts, held]);

test("next() promises nothing while grants of a lost ledger may hold, or without a budget", () => {
  const lead = new Lead();
  expect(lead.next(group(undefined), 0, 0)).toBeUndefined();
  expect(lead.next(group(undefined), SILENT_MS - 1, 0)).toBeUndefined();
  expect(lead.next(group(undefined, { wanted: undefined }), SILENT_MS, 0)).toBeUndefined();
  expect(lead.next(group(undefined, { wanted: 99 }), SILENT_MS, 0)).toBeUndefined();
  const first = lead.next(group(undefined), SILENT_MS, 0);
  expect([first?.seq, first?.budget]).toEqual([10, 200]);
  expect(wattsOf(first)).toEqual([
    ["a", 50, 50],
    ["b", 50, 50],
  ]);
});

test("next() gives what one gives up only after it has said that it knows", () => {
  const lead = new Lead();
  const old = { seq: 9, budget: 200, hosts: { a: entry({ watts: 150, held: 150 }), b: entry() } };
  const says = (ack: number, beat: number) =>
    new Map([
      ["a", report(beat, 0, ack)],
      ["b", report(beat, 150)],
    ]);
  const lowered = lead.next(group(old, { reports: says(9, 2) }), 0, 0);
  expect(wattsOf(lowered)).toEqual([
    ["a", 50, 150],
    ["b", 50, 50],
  ]);
  const waits = lead.next(group(lowered, { revision: 11, reports: says(9, 3) }), 1000, 0);
  expect(wattsOf(waits)).toEqual(wattsOf(lowered));
  const raised = lead.next(group(waits, { revision: 12, reports: says(10, 4) }), 2000, 0);
  expect(wattsOf(raised)).toEqual([
    ["a", 50, 50],
    ["b", 150, 150],
  ]);
});

test("next() counts the fallback of a host that is silent, with a margin for its clock, and says since when", () => {
  const lead = new Lead();
  const old = { seq: 9, budget: 200, hosts: { a: entry({ watts: 150, held: 150 }), b: entry() } };
  // A report outlives its host: it is no news.
  const reports = (beat: number) =>
    new Map([
      ["a", report(1, 100)],
      ["b", report(beat, 150)],
    ]);
  const before = lead.next(group(old, { reports: reports(2) }), 0, 0);
  const still = lead.next(group(before, { revision: 11, reports: reports(3) }), SILENT_MS - 1, 0);
  expect(still?.hosts["a"]?.held).toBe(150);
  const after = lead.next(group(still, { revision: 12, reports: reports(4) }), SILENT_MS, 1234);
  expect(after?.hosts["a"]).toMatchObject({ watts: 50, held: 50, silent: 1234 });
  expect(after?.hosts["b"]?.watts).toBe(150);
  const later = lead.next(group(after, { revision: 13, reports: reports(5) }), SILENT_MS + 1000, 1235);
  expect(later?.hosts["a"]?.silent).toBe(1234);
  const back = new Map([
    ["a", report(1, 100, 0, "r2")],
    ["b", report(6, 0, 13)],
  ]);
  const heard = lead.next(group(later, { revision: 14, reports: back }), SILENT_MS + 2000, 1236);
  expect(heard?.hosts["a"]).toMatchObject({ run: "r2", beat: 1, watts: 50 });
  expect(heard?.hosts["a"]?.silent).toBeUndefined();
});

test("next() of a new leader starts from what is recorded, and waits as long as one that heard it all", () => {
  const old = { seq: 9, budget: 200, hosts: { a: entry({ watts: 150, held: 150 }), b: entry() } };
  const reports = new Map([["b", report(2, 150)]]);
  const first = new Lead().next(group(old, { reports }), 1_000_000, 0);
  expect(first?.hosts["a"]?.held).toBe(150);
  expect(first?.hosts["b"]?.watts).toBe(50);
});

test("next() brings a smaller budget in force when all have given up what is too much", () => {
  const lead = new Lead();
  const old = {
    seq: 9,
    budget: 300,
    hosts: { a: entry({ watts: 150, held: 150 }), b: entry({ watts: 150, held: 150 }) },
  };
  const says = (ack: number, beat: number) =>
    new Map([
      ["a", report(beat, 150, ack)],
      ["b", report(beat, 150, ack)],
    ]);
  const first = lead.next(group(old, { reports: says(9, 2) }), 0, 0);
  expect(first?.budget).toBe(300);
  expect(wattsOf(first)).toEqual([
    ["a", 100, 150],
    ["b", 100, 150],
  ]);
  const second = lead.next(group(first, { revision: 11, reports: says(10, 3) }), 1000, 0);
  expect(second?.budget).toBe(200);
});

test("next() holds the budget in force when the one asked for is less than the fallbacks", () => {
  const old = { seq: 9, budget: 200, hosts: { a: entry(), b: entry() } };
  expect(new Lead().next(group(old, { wanted: 99 }), 0, 0)?.budget).toBe(200);
});

test("next() counts a new host, and a fallback that grew, when there is room; a lower one at once", () => {
  const lead = new Lead();
  const members = new Map([...TWO, ["c", 60]]);
  const old = { seq: 9, budget: 200, hosts: { a: entry({ watts: 150, held: 150 }), b: entry() } };
  const says = (ack: number, beat: number) =>
    new Map([
      ["a", report(beat, 200, ack)],
      ["b", report(beat, 0, ack)],
    ]);
  const waits = lead.next(group(old, { members, reports: says(9, 2) }), 0, 0);
  expect(Object.keys(waits?.hosts ?? {})).toEqual(["a", "b"]);
  const counted = lead.next(group(waits, { revision: 11, members, reports: says(10, 3) }), 1000, 0);
  expect(counted?.hosts["c"]).toMatchObject({ fallback: 60, watts: 60, held: 60 });
  const grown = new Map([
    ["a", 50],
    ["b", 20],
    ["c", 70],
  ]);
  const more = lead.next(group(counted, { revision: 12, members: grown, reports: says(11, 4) }), 2000, 0);
  expect([more?.hosts["b"]?.fallback, more?.hosts["c"]?.fallback]).toEqual([20, 60]);
  const most = lead.next(group(more, { revision: 13, members: grown, reports: says(12, 5) }), 3000, 0);
  expect(most?.hosts["c"]?.fallback).toBe(70);
});

test("next() drops a host that was removed only when it is silent", () => {
  const members = new Map([["a", 50]]);
  const old = { seq: 9, budget: 200, hosts: { a: entry(), b: entry(), c: entry({ silent: 5 }) } };
  expect(Object.keys(new Lead().next(group(old, { members }), 0, 0)?.hosts ?? {})).toEqual(["a", "b"]);
});
