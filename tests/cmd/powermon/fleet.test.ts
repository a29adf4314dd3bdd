// powermon fleet: words in, statuses and sentences out, on a real etcd.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EtcdCluster, startEtcd } from "../../helpers/etcd.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { runPowermon } from "./power-main.ts";

const dir = mkdtempSync(join(tmpdir(), "powermon-fleet-"));
const file = join(dir, "powermon.toml");
let cluster: EtcdCluster | undefined;
beforeAll(async () => {
  if (Bun.which("etcd") === null) return;
  cluster = await startEtcd();
  writeFileSync(file, `[fleet]\nendpoints = ${JSON.stringify(cluster.urls)}\ngroup = "rack7"\n`);
}, 30_000);
afterAll(async () => await cluster?.stop());

const run = (...words: string[]) => runPowermon(["fleet", ...words, "--config", file]);
/** Runs words with a file that says `toml`. */
async function runWith(toml: string, ...words: string[]) {
  const other = join(dir, "other.toml");
  writeFileSync(other, toml);
  return await runPowermon(["fleet", ...words, "--config", other]);
}

const SILENT = '[fleet]\nendpoints = ["http://127.0.0.1:1"]\ngroup = "rack7"\n';
test.each([
  ["a file without [fleet]", "", ["status"], 2, "has no [fleet]"],
  [
    "http to another machine",
    '[fleet]\nendpoints = ["http://etcd1"]\ngroup = "a"\n',
    ["status"],
    2,
    "anybody on the way",
  ],
  ["nobody who answers", SILENT, ["status"], 4, "No answer from http://127.0.0.1:1"],
  ["watts that are none", SILENT, ["budget", "set", "rack7", "0"], 2, "must be a whole number from 1"],
  ["a group that is none", SILENT, ["hosts", "--group", "../x"], 2, "must be a name of 1 to 63"],
  ["nothing that is said of a VM", SILENT, ["vm", "set", "web1"], 2, "Nothing is said of the VM"],
  ["a priority that is none", SILENT, ["vm", "set", "web1", "--priority", "urgent"], 2, "--priority"],
])("fleet refuses %s", async (_, toml, words, status: number, why) => {
  const ran = await runWith(toml, ...words);
  expect<number>(ran.status).toBe(status);
  expect(ran.err).toContain(why);
});

test("fleet refuses a key that others may read, and one that is not there", async () => {
  const key = join(dir, "key");
  const toml = `[fleet]\nendpoints = ["https://127.0.0.1:1"]\ngroup = "a"\ncert = "${key}"\nkey = "${key}"\n`;
  expect((await runWith(toml, "status")).err).toContain(`Cannot read "${key}": ENOENT`);
  writeFileSync(key, "a key");
  chmodSync(key, 0o640);
  const ran = await runWith(toml, "status");
  expect([ran.status, ran.err.includes("chmod 600")]).toEqual([2, true]);
});

testNeeding(
  ["etcd"],
  "fleet changes tried with --dry-run are told, refused as in earnest, and not made",
  async () => {
    const dry = async (...words: string[]) => await run(...words, "--dry-run");
    const add = ["host", "add", "h9", "--fallback-watts", "50"];
    expect(await dry(...add)).toMatchObject({ status: 0, out: "fallback kept for h9: none -> 50 W" });
    expect(await dry("host", "remove", "h9")).toMatchObject({ status: 3 });
    expect(await run(...add)).toMatchObject({ status: 0 });
    expect(await dry(...add)).toMatchObject({ status: 3 });
    expect(await dry("budget", "set", "rack7", "49")).toMatchObject({ status: 3, out: "" });
    expect(await dry("budget", "set", "rack7", "400")).toMatchObject({
      out: "budget asked for of rack7: none -> 400 W",
    });
    expect(JSON.parse((await run("status", "--json")).out)).not.toHaveProperty("wantedWatts");
    expect(await dry("host", "remove", "h9")).toMatchObject({ out: "fallback kept for h9: 50 W -> none" });
    expect(await run("host", "remove", "h9")).toMatchObject({ status: 0 });

    const set = ["vm", "set", "dry", "--ceiling", "base", "--rate", "9"];
    expect((await dry(...set)).out.split("\n")).toEqual([
      'ceiling of VM dry in the fleet: none -> "base"',
      'rate of VM dry in the fleet: none -> {"requests_per_second":9}',
    ]);
    expect(await dry("vm", "unset", "dry")).toMatchObject({ status: 3 });
    expect(await run(...set)).toMatchObject({ status: 0 });
    expect(await dry(...set)).toMatchObject({ out: "Nothing would change." });
    expect(JSON.parse((await dry("vm", "set", "dry", "--ceiling", "min", "--json")).out) as object).toEqual({
      dryRun: true,
      changes: [{ what: "ceiling of VM dry in the fleet", before: '"base"', after: '"min"' }],
    });
    expect((await dry("vm", "unset", "dry")).out.split("\n")).toHaveLength(2);
    const shown = JSON.parse((await run("vm", "show", "dry", "--json")).out);
    expect(shown.settings).toEqual({ ceiling: "base", rate: { requests_per_second: 9 } });
    expect(await run("vm", "unset", "dry")).toMatchObject({ status: 0 });
  },
);

testNeeding(["etcd"], "fleet budget and host go by the fallbacks of the group", async () => {
  expect(await run("host", "add", "h1", "--fallback-watts", "120")).toMatchObject({
    status: 0,
    out: "h1: added to rack7",
  });
  expect(await run("host", "add", "h1", "--fallback-watts", "120")).toMatchObject({ status: 3 });
  const less = await run("budget", "set", "rack7", "119");
  expect(less).toMatchObject({ status: 3, out: "" });
  expect(less.err).toContain(
    "The fallbacks of the 1 hosts of rack7 take 120 W: a budget of 119 W could not be held.",
  );
  expect(await run("status")).toMatchObject({ status: 0 });
  const status = JSON.parse((await run("status", "--json")).out);
  expect(status).toMatchObject({
    group: "rack7",
    fallbackWatts: 120,
    hosts: [{ host: "h1", state: "waiting" }],
  });
  expect((await run("hosts")).out).toMatch(/h1 +waiting +- +- +0 +120/);
  expect((await run("top")).out).toContain("no budget is in force");
  expect(await run("host", "remove", "h1")).toMatchObject({ status: 0 });
  expect(await run("host", "remove", "h1")).toMatchObject({ status: 3 });
  expect((await run("budget", "set", "rack7", "119")).out).toBe("rack7: 119 W; the group has no hosts yet");
  expect((await run("budget", "show", "rack7")).out).toContain(
    "119 W were asked for and are not in force yet.",
  );
  expect((await run("top", "--json", "--count", "2")).out.trim().split("\n")).toHaveLength(2);
});

testNeeding(
  ["etcd"],
  "fleet vm sets, shows and unsets what follows a VM, and writes nothing that a host would refuse",
  async () => {
    const policy = join(dir, "night.toml");
    writeFileSync(policy, 'type = "workload"\nworkload = "low"\n');
    const set = await run("vm", "set", "web.1", "--priority", "high", "--ceiling", "base", "--rate", "100");
    expect(set).toMatchObject({ status: 0, err: "" });
    expect((await run("vm", "set", "web.1", "--burst", "5", "--policy-file", policy)).status).toBe(0);
    const shown = JSON.parse((await run("vm", "show", "web.1", "--json")).out);
    expect(shown).toEqual({
      vm: "web.1",
      places: [],
      settings: {
        ...{ priority: "high", ceiling: "base", rate: { requests_per_second: 100, burst: 5 } },
        policy: { type: "workload", workload: "low" },
      },
    });
    const crossed = await run("vm", "set", "web.1", "--floor", "max");
    expect(crossed).toMatchObject({ status: 3 });
    expect(crossed.err).toContain('below the floor of "max"');
    writeFileSync(policy, 'type = "workload"\nworkload = "lowest"\n');
    const bad = await run("vm", "set", "web.1", "--policy-file", policy);
    expect([bad.status, bad.err.includes('vm."web.1".policy.workload')]).toEqual([3, true]);
    expect(JSON.parse((await run("vm", "show", "web.1", "--json")).out)).toEqual(shown);
    const text = (await run("vm", "show", "web.1")).out;
    expect(text).toContain("runs on no host of the fleet that reports");
    expect(await run("vm", "web.1")).toMatchObject({ status: 0, out: text });
    expect(await run("vm", "sho", "web.1")).toMatchObject({
      status: 2,
      err: 'powermon: unknown command "fleet vm sho"; did you mean show?',
    });
    expect(await run("vm", "unset", "web.1")).toMatchObject({ status: 0, out: "web.1: unset" });
    expect(await run("vm", "unset", "web.1")).toMatchObject({ status: 3 });
  },
);

testNeeding(
  ["etcd"],
  "fleet and check say what to do when etcd's database is full",
  async () => {
    const small = await startEtcd(1, undefined, ["--quota-backend-bytes", "65536"]);
    try {
      const toml = `[fleet]\nendpoints = ${JSON.stringify(small.urls)}\ngroup = "rack7"\nfallback_watts = 50\n`;
      const big = JSON.stringify({ key: "YQ==", value: "A".repeat(100_000) });
      const url = `${small.urls[0]}/v3/kv/put`;
      // The quota is looked at before a value is taken.
      for (let n = 0; n < 2; n++) await fetch(url, { method: "POST", body: big });
      const put = await runWith(toml, "host", "add", "h1", "--fallback-watts", "50");
      expect(put).toMatchObject({ status: 3, out: "" });
      expect(put.err).toContain("refused: its database is full: compact and defragment it");
      const found = await runPowermon(["check", "--config", join(dir, "other.toml")]);
      expect(found.out).toContain(
        `problem: fleet: The database of ${small.urls[0]} is full: nothing can be written.`,
      );
    } finally {
      await small.stop();
    }
  },
  30_000,
);

testNeeding(["etcd"], "fleet status says when nothing is known of a group", async () => {
  expect((await run("status", "--group", "rack8")).out).toContain("etcd knows nothing of this group");
});
