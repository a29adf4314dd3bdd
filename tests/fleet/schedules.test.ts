// Holds the safety of the budget by schedules of everything that goes wrong; bench/fleet-schedules.ts runs 100,000 of them.

import { expect, test } from "bun:test";
import type { Ledger } from "../../internal/fleet/ledger.ts";
import { run, scheduleOf, shrink } from "./schedules.ts";

const CI_SCHEDULES = 1500;

test("run() never sees more drawn than the budget, whatever fails", () => {
  let granted = 0;
  for (let seed = 1; seed <= CI_SCHEDULES; seed++) {
    const schedule = scheduleOf(seed);
    const outcome = run(schedule);
    granted += outcome.granted;
    if (outcome.excess === undefined) continue;
    const least = shrink(schedule, (one) => run(one).excess !== undefined);
    throw new Error(`Seed ${seed}: ${JSON.stringify({ least, excess: run(least).excess }, undefined, 1)}`);
  }
  // Grants above the fallback are what could go wrong: there were many.
  expect(granted).toBeGreaterThan(CI_SCHEDULES * 1000);
}, 60_000);

/** A leader that forgets what a host may still hold, and one that promises watts twice. */
const MUTANTS: Readonly<Record<string, (ledger: Ledger) => Ledger>> = {
  "what a host may still hold is forgotten": (ledger) => changed(ledger, (watts) => ({ held: watts })),
  "a share is a little more than it may be": (ledger) =>
    changed(ledger, (watts) => ({ watts: watts + 10, held: watts + 10 })),
};

function changed(ledger: Ledger, change: (watts: number) => object): Ledger {
  const hosts = Object.entries(ledger.hosts).map(([name, entry]) => [
    name,
    { ...entry, ...change(entry.watts) },
  ]);
  return { ...ledger, hosts: Object.fromEntries(hosts) };
}

test.each(Object.keys(MUTANTS))(
  "run() finds that %s, and shrink() makes it small",
  (name) => {
    const fails = (one: ReturnType<typeof scheduleOf>) => run(one, MUTANTS[name]).excess !== undefined;
    const failing = Array.from({ length: 200 }, (_, at) => scheduleOf(at + 1)).find(fails);
    if (failing === undefined) throw new Error("No schedule shows it.");
    const least = shrink(failing, fails);
    expect(fails(least)).toBe(true);
    expect(least.faults.length).toBeLessThanOrEqual(failing.faults.length);
    expect(least.hosts.length).toBeLessThanOrEqual(failing.hosts.length);
  },
  60_000,
);

test("run() ends the same way for the same schedule", () => {
  expect(run(scheduleOf(7))).toEqual(run(scheduleOf(7)));
});
