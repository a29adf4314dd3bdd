// `bun bench/fleet-scale.ts [HOSTS] [GROUP] [SECONDS]`: that many simulated hosts in groups against one real etcd, and what it costs.

import { cpus } from "node:os";
import { FleetAgent, type FleetHost } from "../internal/fleet/agent.ts";
import { Etcd } from "../internal/fleet/etcd/etcd.ts";
import { Lead, type Report } from "../internal/fleet/lead.ts";
import { GRANT_MS, type Ledger } from "../internal/fleet/ledger.ts";
import { setBudget } from "../internal/fleet/operator.ts";
import { keysOf } from "../internal/fleet/stored.ts";
import { readGroup } from "../internal/fleet/view.ts";
import { VmMirror } from "../internal/fleet/vm-mirror.ts";
import { Log } from "../internal/log.ts";
import { startEtcd } from "../tests/helpers/etcd.ts";
import { until } from "../tests/helpers/until.ts";

const [count = 5000, size = 50, seconds = 120] = process.argv.slice(2).map(Number);
const FALLBACK_W = 50;
/** So long all of them take to start, ms: a hundred a second. */
const START_MS = Math.max(20_000, count * 10);
/** A host wants something else once in so many seconds. */
const CHANGE = 1 / 60;
const groups = Array.from({ length: Math.ceil(count / size) }, (_, at) => `rack${at}`);

/** A host that draws what it may, up to what it wants, which changes now and then. */
class Simulated implements FleetHost {
  watts = 0;
  granted = false;
  /** Times that it had to fall back after it had a grant. */
  lost = 0;
  want = 60 + Math.random() * 60;
  readonly agent: FleetAgent;

  constructor(group: string, name: string, etcd: Etcd) {
    const keys = keysOf("/powermon/", group);
    const mirror = new VmMirror(etcd, keys, () => {});
    const log = new Log("error", "text", false, () => {});
    this.agent = new FleetAgent({
      etcd,
      keys,
      name,
      fallback: FALLBACK_W,
      counted: FALLBACK_W,
      host: this,
      mirror,
      log,
      // Simulated hosts share a machine, and its clock: what each would look at costs more here than all else.
      nowMs: () => performance.now(),
    });
  }

  needs() {
    if (Math.random() < CHANGE) this.want = 60 + Math.random() * 60;
    const drawn = Math.min(this.watts, this.want);
    return { drawn, floor: 40, demand: { high: this.want - 40, normal: 0, low: 0 } };
  }
  places() {
    return [];
  }
  limit(watts: number, granted: boolean): void {
    if (this.granted && !granted) this.lost++;
    this.watts = watts;
    this.granted = granted;
  }
  keepCounted(): void {}
}

const revisionOf = async (etcd: Etcd) => {
  const done = await etcd.txn([], [{ read: "/none" }]);
  return done.ok ? done.value.revision : Number.NaN;
};
const usage = () => process.cpuUsage().user + process.cpuUsage().system;

// Bun sends 256 requests at a time unless told otherwise, and reads that when it starts.
if (process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"] === undefined) {
  const env = { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "8192" };
  const again = Bun.spawn([process.execPath, ...process.argv.slice(1)], {
    env,
    stdio: ["inherit", "inherit", "inherit"],
  });
  process.exit(await again.exited);
}
// Bun keeps 64 idle connections for a process, and each simulated host would have its own: past that every request would be a new one,
// until the machine has no ports left.
const [ask, waiting] = [globalThis.fetch, [] as (() => void)[]];
let asked = 0;
globalThis.fetch = Object.assign(
  async (...words: Parameters<typeof fetch>) => {
    while (asked >= 60) await new Promise<void>((go) => waiting.push(go));
    asked++;
    try {
      const response = await ask(...words);
      return new Response(await response.arrayBuffer(), response);
    } finally {
      asked--;
      waiting.shift()?.();
    }
  },
  { preconnect: ask.preconnect },
);
const cluster = await startEtcd(1);
try {
  const asker = new Etcd({ endpoints: cluster.urls });
  const hosts = groups.flatMap((group) =>
    Array.from(
      { length: size },
      (_, at) => new Simulated(group, `h${at}`, new Etcd({ endpoints: cluster.urls })),
    ),
  );
  // Group after group comes up, and has its budget once all its hosts are there.
  for (const [at, group] of groups.entries()) {
    const beginsMs = (at / groups.length) * START_MS;
    for (const host of hosts.slice(at * size, at * size + size))
      setTimeout(() => host.agent.start(), beginsMs + Math.random() * 5000);
    setTimeout(() => void setBudget(asker, keysOf("/powermon/", group), group, size * 70), beginsMs + 7000);
  }
  await Bun.sleep(START_MS);
  const isUp = () => hosts.every(({ granted }) => granted);
  await until("all hosts have a grant", isUp, 120_000).catch(() => {
    const up = hosts.filter(({ granted }) => granted).length;
    throw new Error(
      `${up} of ${hosts.length} hosts have a grant after two minutes: too many for these ${cpus().length} CPUs, which do etcd's work and theirs.`,
    );
  });
  console.log(
    `${hosts.length} hosts in ${groups.length} groups of ${size}, ${cpus().length} CPUs for them and etcd together.`,
  );

  for (const host of hosts) host.lost = 0;
  const [began, revision, cpu] = [performance.now(), await revisionOf(asker), usage()];
  const changes: number[] = [];
  for (let at = 0; performance.now() - began < seconds * 1000; at++) {
    await Bun.sleep((seconds * 1000) / 10);
    const group = groups[at % groups.length] as string;
    const own = hosts.slice((at % groups.length) * size, (at % groups.length) * size + size);
    const wanted = size * (at % 2 === 0 ? 60 : 70) + at;
    const keys = keysOf("/powermon/", group);
    const set = performance.now();
    await setBudget(asker, keys, group, wanted);
    // A smaller one is in force when the last host has said that it holds it, a larger one is of use when the last watts are granted.
    const isThere = async () => {
      const read = await readGroup(asker, keys, group);
      const all = own.reduce((sum, { watts }) => sum + watts, 0);
      return read.ok && read.value.view.budgetWatts === wanted && all <= wanted && all >= wanted * 0.97;
    };
    await until("it is there", isThere, 30_000).then(
      () => changes.push(performance.now() - set),
      () => changes.push(Infinity),
    );
  }
  const took = (performance.now() - began) / 1000;
  const writes = ((await revisionOf(asker)) - revision) / took;
  const lost = hosts.reduce((all, one) => all + one.lost, 0);
  console.log(
    `${took.toFixed(0)} s: ${writes.toFixed(0)} revisions a second, ${((usage() - cpu) / 1e4 / took).toFixed(0)} % of a CPU for all hosts together.`,
  );
  console.log(
    `From a changed budget to its last host, s (smaller, larger, in turn): ${changes.map((ms) => (ms / 1000).toFixed(1)).join(", ")}.`,
  );
  console.log(`Grants that ended before the next one came (${GRANT_MS / 1000} s): ${lost}.`);
  for (const one of [50, 200, 1000])
    console.log(`A leader's turn of ${one} hosts: ${turnMs(one).toFixed(2)} ms of CPU a second.`);
  await Promise.race([Promise.all(hosts.map(({ agent }) => agent.stop())), Bun.sleep(3000)]);
} finally {
  await cluster.stop();
}
process.exit(0);

/** Returns what a leader's second costs beside what etcd's answer takes to parse, ms. */
function turnMs(size: number): number {
  const names = Array.from({ length: size }, (_, at) => `h${at}`);
  const lead = new Lead();
  const members = new Map(names.map((name) => [name, FALLBACK_W]));
  let ledger: Ledger | undefined;
  let atMs = 0;
  const turn = (beat: number) => {
    const reports = new Map(
      names.map((name): [string, Report] => [
        name,
        {
          ...{ run: "r", beat, ack: beat, floor: 40, drawn: 60 },
          demand: { high: Math.random() * 60, normal: 10, low: 5 },
        },
      ]),
    );
    const group = { revision: beat, ledger, wanted: size * 70, members, reports };
    ledger = lead.next(group, (atMs += 1000), 0);
    JSON.parse(JSON.stringify({ ledger, reports: [...reports] }));
  };
  for (let beat = 1; beat < 20; beat++) turn(beat);
  const began = performance.now();
  for (let beat = 20; beat < 120; beat++) turn(beat);
  return (performance.now() - began) / 100;
}
