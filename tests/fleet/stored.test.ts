// Holds that nothing in etcd is believed that powermon would not have written.

import { expect, test } from "bun:test";
import {
  keysOf,
  readAllBelow,
  readBudget,
  readLedger,
  readMember,
  readPlaces,
  readReport,
  readSettings,
  writeLedger,
} from "../../internal/fleet/stored.ts";

const ENTRY = { fallback: 50, watts: 90, held: 90, since: 1, run: "r", beat: 1 };
const LEDGER = { seq: 7, budget: 200, hosts: { a: ENTRY } };
const REPORT = { run: "r", beat: 1, ack: 0, floor: 2.5, demand: { high: 1, normal: 0, low: 0 }, drawn: 3 };
const ledger = (changes: object) => writeLedger({ ...LEDGER, ...changes });
const many = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`h${at}`, ENTRY]));

test("readLedger() and readReport() take what powermon writes", () => {
  expect(readLedger(writeLedger(LEDGER))).toEqual(LEDGER);
  const silent = { ...LEDGER, hosts: { a: { ...ENTRY, silent: 1234 } } };
  expect(readLedger(writeLedger(silent))).toEqual(silent);
  expect(readReport(JSON.stringify(REPORT))).toEqual(REPORT);
});

test.each([
  ["nothing", undefined],
  ["no JSON", "{"],
  ["a list", "[]"],
  ["a budget below zero", ledger({ budget: -1 })],
  ["half watts", ledger({ budget: 1.5 })],
  ["more than any rack has", ledger({ budget: 1e12 })],
  ["a host whose name is none", ledger({ hosts: { "../a": ENTRY } })],
  ["an entry that lacks something", '{"seq":7,"budget":200,"hosts":{"a":[50,90,90,1,"r"]}}'],
  ["an entry that has too much", '{"seq":7,"budget":200,"hosts":{"a":[50,90,90,1,"r",1,2,3]}}'],
  ["an entry of a watt too few", ledger({ hosts: { a: { ...ENTRY, held: -1 } } })],
  ["more hosts than a group has", ledger({ hosts: many })],
  ["a run that is no word", ledger({ hosts: { a: { ...ENTRY, run: "a b" } } })],
  ["a text without an end", `{"seq":1,"x":"${"a".repeat(1 << 20)}"}`],
])("readLedger() takes %s for no ledger", (_, text) => {
  expect(readLedger(text)).toBeUndefined();
});

test.each([
  ["watts that are text", readMember, '{"fallback":"50"}'],
  ["watts that are no number", readBudget, '{"watts":null}'],
  ["a demand below zero", readReport, JSON.stringify({ ...REPORT, demand: { high: -1, normal: 0, low: 0 } })],
  ["a VM whose name is none", readPlaces, '{"vms":[{"vm":"a/b","priority":"high","pays":true}]}'],
  ["settings that are a list", readSettings, "[1]"],
  ["settings that nest too deep", readSettings, `{"a":${"[".repeat(40)}${"]".repeat(40)}}`],
])("%s is nothing", (_, read: (text: string) => unknown, text) => {
  expect(read(text)).toBeUndefined();
});

test("readAllBelow() passes over names that are none, values that are none, and what is too many", () => {
  const { members } = keysOf("/powermon/", "rack7");
  expect(members).toBe("/powermon/groups/rack7/members/");
  // A table that is kept by name would lose the second one.
  const pairs = ["a", "constructor", "A", "a/b", "", "b", "c", "d"].map((name) => ({
    key: members + name,
    value: name === "b" ? "{}" : '{"fallback":1}',
  }));
  expect([...readAllBelow(pairs, members, readMember, { most: 2 }).keys()]).toEqual(["a", "c"]);
});
