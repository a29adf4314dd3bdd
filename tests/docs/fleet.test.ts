// Runs the commands of docs/fleet.md as they are written, against a real etcd with TLS and users, and then has somebody make each mistake.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runPowermon } from "../cmd/powermon/power-main.ts";
import { startBusyHost } from "../helpers/busy-host.ts";
import { type EtcdCluster, startEtcd } from "../helpers/etcd.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

const NEEDS = ["etcd", "etcdctl", "openssl"] as const;
const DOC = readFileSync(join(import.meta.dir, "../../docs/fleet.md"), "utf8");
const blocks = [...DOC.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
/** Returns the block that has `word` in it. */
const block = (word: string) => blocks.find((one) => one.includes(word)) ?? `echo no ${word} >&2; exit 1`;

const dir = mkdtempSync(join(tmpdir(), "powermon-fleet-docs-"));
let cluster: EtcdCluster | undefined;

function shell(script: string, env: Readonly<Record<string, string>> = {}): void {
  const done = Bun.spawnSync(["bash", "-e"], {
    stdin: Buffer.from(script),
    cwd: dir,
    env: { ...process.env, ...env },
  });
  if (!done.success) throw new Error(done.stderr.toString());
}

beforeAll(async () => {
  if (NEEDS.some((one) => Bun.which(one) === null)) return;
  shell(block("openssl req"));
  const at = (name: string) => join(dir, name);
  cluster = await startEtcd(1, { ca: at("fleet-ca.pem"), cert: at("etcd1.pem"), key: at("etcd1.key") });
  shell("umask 077; echo for-anna > anna.password; echo for-root > root.password");
  shell(`${block("etcdctl role add host12")}\n${block("etcdctl auth enable")}`, {
    ETCDCTL_API: "3",
    ETCDCTL_ENDPOINTS: cluster.urls.join(","),
    ETCDCTL_CACERT: at("fleet-ca.pem"),
    ETCDCTL_CERT: at("fleet.pem"),
    ETCDCTL_KEY: at("fleet.key"),
  });
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(dir, { recursive: true });
});

type Laid = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** [fleet] of the document, with the files of this test. @param other laid over it; undefined takes a key away */
function fleetTable(other: Laid): string {
  const [, table = ""] = /```toml\n(\[fleet\][\s\S]*?)```/.exec(DOC) ?? [];
  const { fleet } = Bun.TOML.parse(table.replaceAll("/etc/powermon/", `${dir}/`)) as {
    readonly fleet: object;
  };
  const says = Object.entries({ ...fleet, endpoints: cluster?.urls, ...other });
  const lines = says.flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} = ${JSON.stringify(value)}`],
  );
  return `[fleet]\n${lines.join("\n")}\n`;
}

function fleetFile(other: Laid): string {
  const file = join(dir, "powermon.toml");
  const own = `state_dir = "${dir}/state"\n[control]\nsocket = "${dir}/none.sock"\n`;
  writeFileSync(file, own + fleetTable(other));
  return file;
}
const ANNA = { user: "anna", password_file: join(dir, "anna.password"), fallback_watts: undefined };
const HOST12 = { name: "host12" };

testNeeding(
  NEEDS,
  "an operator's commands work as written; a host may look, and is told what it may not set",
  async () => {
    const asAnna = fleetFile(ANNA);
    for (const line of block("powermon fleet budget set").trim().split("\n")) {
      const [, ...words] = line.split(" ");
      expect([line, await runPowermon([...words, "--config", asAnna])]).toEqual([
        line,
        expect.objectContaining({ status: 0, err: "" }),
      ]);
    }
    const asHost = fleetFile(HOST12);
    for (const words of [["status"], ["hosts"], ["vm", "web1"]])
      expect(await runPowermon(["fleet", ...words, "--config", asHost])).toMatchObject({ status: 0 });
    const set = await runPowermon(["fleet", "budget", "set", "rack7", "9000", "--config", asHost]);
    expect(set).toMatchObject({ status: 3, out: "" });
    expect(set.err).toContain('user "host12" has no right to write "/powermon/groups/rack7/budget"');
    const vm = await runPowermon(["fleet", "vm", "unset", "web1", "--config", asHost]);
    expect(vm.err).toContain('user "host12" has no right to remove "/powermon/vms/web1"');
  },
  60_000,
);

/** What check says of the fleet, without the notes. */
async function check(file: string, ...words: readonly string[]) {
  const { out } = await runPowermon(["check", "--json", "--config", file, ...words]);
  const { findings } = JSON.parse(out) as {
    readonly findings: readonly { severity: string; about: string; what: string }[];
  };
  return findings
    .filter(({ about }) => about === "fleet")
    .map(({ severity, what }) => `${severity}: ${what}`);
}

testNeeding(NEEDS, "check has no problem with the document's host, and says how it is counted", async () => {
  const anna = fleetFile(ANNA);
  await runPowermon(["fleet", "budget", "set", "rack7", "4000", "--config", anna]);
  expect((await check(fleetFile(HOST12))).filter((one) => !one.includes("powermon.service"))).toEqual([
    expect.stringMatching(/^note: https:\/\/127\.0\.0\.1:\d+ answers, etcd 3\./),
    "note: rack7 does not know host12 yet: it is counted once it reports.",
  ]);
  const asAnna = fleetFile(ANNA);
  for (const name of ["host1", "host2"])
    await runPowermon(["fleet", "host", "add", name, "--fallback-watts", "1950", "--config", asAnna]);
  expect(await check(fleetFile(HOST12))).toContain(
    "warning: rack7 has no room for host12: its 4000 W less 3900 W for other fallbacks are under this one's 180 W, which it draws on top.",
  );
});

testNeeding(NEEDS, "check names all that a user has no right to", async () => {
  const found = await check(fleetFile({ name: "host13" }));
  expect(found).toContain(
    `problem: etcd's user "host12" has no right to write "/powermon/groups/rack7/reports/host13", write "/powermon/groups/rack7/members/host13", write "/powermon/places/rack7/host13".`,
  );
});

test.skipIf(NEEDS.some((one) => Bun.which(one) === null)).each([
  [
    "a CA that signed nothing here",
    { ca: "other-ca.pem" },
    4,
    "no CA of fleet.ca has signed its certificate",
  ],
  [
    "a certificate that has ended",
    { cert: "old.pem" },
    4,
    "the certificate in fleet.cert expired on 2025-02-01",
  ],
  [
    "a certificate of another CA",
    { cert: "other.pem", key: "other.key" },
    4,
    "does not know the CA that signed",
  ],
  ["a certificate with a common name", { cert: "cn.pem" }, 3, "must have no common name"],
  ["no certificate", { cert: undefined, key: undefined }, 4, "it wants a certificate (fleet.cert)"],
  ["a key of another certificate", { key: "other.key" }, 2, "is not the one of the certificate in"],
  ["a key with a passphrase", { key: "locked.key" }, 2, "has a passphrase"],
  ["a file that is no certificate", { cert: "fleet.key" }, 2, "holds no certificate in PEM"],
  ["a wrong password", { password_file: "root.password" }, 3, 'it has no user "host12" with the password'],
  ["no user", { user: undefined, password_file: undefined }, 3, "write fleet.user and fleet.password_file"],
  [
    "another prefix",
    { prefix: "/other/" },
    3,
    /no right to (read "\/other\/groups\/rack7\/ledger"|anything)/,
  ],
  ["plain http", { endpoints: ["http:"] }, 4, "then write https"],
  ["nobody who listens", { endpoints: ["https://127.0.0.1:1"] }, 4, "nothing listens there"],
  ["another name of etcd", { endpoints: ["https://localhost:"] }, 4, "is for another name or address"],
])("fleet and check say one clear sentence of %s", async (_, other, status: number, why) => {
  shell(`umask 077
    [ -e locked.key ] && exit 0
    ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    openssl req -x509 $ec -days 9 -subj /CN=other -keyout other-ca.key -out other-ca.pem
    openssl req $ec -subj /O=powermon -keyout other.key -out other.csr
    openssl x509 -req -in other.csr -CA other-ca.pem -CAkey other-ca.key -CAcreateserial -out other.pem
    openssl req -new -key fleet.key -subj /CN=host12 -out cn.csr
    openssl x509 -req -in cn.csr -CA fleet-ca.pem -CAkey fleet-ca.key -CAcreateserial -out cn.pem
    printf '[ca]\\ndefault_ca = d\\n[d]\\ndatabase = i\\nserial = s\\nnew_certs_dir = .\\ndefault_md = sha256\\npolicy = p\\n[p]\\norganizationName = optional\\n' > ca.cnf
    : > i; echo 77 > s
    openssl ca -batch -config ca.cnf -cert fleet-ca.pem -keyfile fleet-ca.key -in fleet.csr -out old.pem -notext \\
      -startdate 20250101000000Z -enddate 20250201000000Z
    openssl ec -aes128 -passout pass:secret -in fleet.key -out locked.key`);
  const port = new URL(cluster?.urls[0] ?? "").port;
  const wrong = Object.entries(other).map(([key, value]): [string, string | string[] | undefined] => {
    if (Array.isArray(value))
      return [
        key,
        value.map((one) =>
          one.endsWith(":") ? (one === "http:" ? `http://127.0.0.1:${port}` : `${one}${port}`) : one,
        ),
      ];
    return [key, /^(ca|cert|key|password_file)$/.test(key) && value ? join(dir, value) : value];
  });
  const file = fleetFile({ ...HOST12, ...Object.fromEntries(wrong) });
  const ran = await runPowermon(["fleet", "status", "--config", file]);
  expect([ran.status, ran.out]).toEqual([status, ""] as never);
  const said = typeof why === "string" ? expect.stringContaining(why) : expect.stringMatching(why);
  expect(ran.err).toEqual(said);
  expect(ran.err.split("\n")).toHaveLength(1);
  expect((await check(file)).filter((one) => one.startsWith("problem")).join("\n")).toEqual(said);
});

testNeeding(
  NEEDS,
  "a daemon that may not ask says why in its status, takes up what is mended by a reload, and keeps its grant",
  async () => {
    const anna = fleetFile(ANNA);
    for (const name of ["host1", "host2"])
      await runPowermon(["fleet", "host", "remove", name, "--config", anna]);
    await runPowermon(["fleet", "budget", "set", "rack7", "4000", "--config", anna]);
    const password = join(dir, "own.password");
    writeFileSync(password, "wrong\n");
    chmodSync(password, 0o644);
    const table = fleetTable({ ...HOST12, password_file: password });
    const host = await startBusyHost(4, { vm1: 1 }, table, true);
    try {
      interface Said {
        readonly problems: readonly string[];
        readonly fleet?: { readonly grantWatts?: number; readonly problem?: string };
      }
      const status = async (): Promise<Said> =>
        JSON.parse((await runPowermon(["status", "--json", "--socket", host.socket])).out);
      const reload = async () =>
        expect(await runPowermon(["reload", "--socket", host.socket])).toMatchObject({ status: 0 });
      const shut = `Not in the fleet: "${password}" may be read by others than its owner; do chmod 600 on it.`;
      expect((await status()).problems).toContain(shut);
      chmodSync(password, 0o600);
      await reload();
      await until("etcd's no", async () =>
        (await status()).problems.some((one) =>
          /^The fleet can't be asked: .*it has no user "host12" with the password/.test(one),
        ),
      );
      expect((await status()).problems).not.toContain(shut);
      writeFileSync(password, readFileSync(join(dir, "fleet.password")));
      await reload();
      // A new group promises nothing for some seconds.
      await until("a grant", async () => (await status()).fleet?.grantWatts !== undefined, 15_000);
      expect((await status()).problems).toEqual([]);
      expect((await runPowermon(["status", "--socket", host.socket])).out).toMatch(
        /fleet +rack7, \d+ W granted, leads/,
      );
      const own = fleetFile({ ...HOST12, password_file: password });
      expect(await check(own, "--socket", host.socket)).toContainEqual(
        expect.stringMatching(/^note: host12 reports to rack7 and is granted \d+ W\.$/),
      );
      expect(await check(own)).toContain("warning: host12 reports to rack7, and no powermon answers here.");
      // A file that went bad changes nothing for who is in.
      writeFileSync(password, "");
      chmodSync(password, 0o640);
      await reload();
      await until("the log", () => host.log().includes("The fleet is asked as before"));
      expect((await status()).fleet?.grantWatts).toBeGreaterThan(0);
    } finally {
      await host.stop();
    }
    await until(
      "it is silent",
      async () => (await check(fleetFile(HOST12))).some((one) => one.includes("which does not report")),
      15_000,
    );
  },
  40_000,
);
