// `bun bench/fleet-schedules.ts [COUNT] [FIRST SEED]`: 100,000 schedules of what can go wrong in a fleet; one that fails is made small and printed.

import { run, scheduleOf, shrink } from "../tests/fleet/schedules.ts";

const [count = 100_000, first = 1] = process.argv.slice(2).map(Number);
if (!Number.isInteger(count) || !Number.isInteger(first) || count < 1 || first < 0)
  throw new Error("usage: bun bench/fleet-schedules.ts [COUNT] [FIRST SEED]");

const began = performance.now();
let [ledgers, granted, hosts, faults] = [0, 0, 0, 0];
for (let seed = first; seed < first + count; seed++) {
  const schedule = scheduleOf(seed);
  const outcome = run(schedule);
  ledgers += outcome.ledgers;
  granted += outcome.granted;
  hosts += schedule.hosts.length;
  faults += schedule.faults.length;
  if (outcome.excess === undefined) continue;
  const least = shrink(schedule, (one) => run(one).excess !== undefined);
  console.log(JSON.stringify({ seed, least, excess: run(least).excess }, undefined, 2));
  process.exit(1);
}
const seconds = ((performance.now() - began) / 1000).toFixed(0);
console.log(
  `${count} schedules from seed ${first}: ${hosts} hosts, ${faults} faults, ${ledgers} ledgers written, ${granted} looks at a grant above its fallback; never more than the budget. ${seconds} s.`,
);
