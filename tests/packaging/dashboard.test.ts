// Every query of the dashboard in a real Prometheus that scraped two real daemons of a fleet: an expression can be right and yet find nothing.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runPowermon } from "../cmd/powermon/power-main.ts";
import { type BusyHost, startBusyHost } from "../helpers/busy-host.ts";
import { type EtcdCluster, startEtcd } from "../helpers/etcd.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

interface Panel {
  readonly id: number;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
}
interface Series {
  readonly metric: Readonly<Record<string, string>>;
}

const FILE = join(import.meta.dir, "../../packaging/grafana/powermon.json");
const dashboard: {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
} = JSON.parse(readFileSync(FILE, "utf8"));
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legend: legendFormat })),
);
/** What has no series while nothing of it happened. */
const QUIET = [/unknown_commands_total/, /policy_evaluations_total/];
const START_MS = 30_000;
/** What a query needs to find something. */
const needsOf = (expr: string) =>
  expr.includes("powermon_fleet_") ? (["prometheus", "etcd"] as const) : (["prometheus"] as const);

/** Returns `expr` as Grafana sends it. @param instance what stands for $instance */
const filled = (expr: string, instance = ".*") =>
  expr.replaceAll("$__rate_interval", "4s").replaceAll("$instance", instance).replaceAll("$vm", ".*");

test("panels have numbers of their own, and none lies on another", () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  );
  expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  expect(new Set(cells).size).toBe(cells.length);
});

describe("Prometheus", () => {
  const dir = mkdtempSync(`${tmpdir()}/dashboard-`);
  const hosts: BusyHost[] = [];
  let etcd: EtcdCluster | undefined;
  let prometheus: Bun.Subprocess | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  let url = "";

  async function ask<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`);
    return answer.data;
  }
  const query = async (expr: string) =>
    (await ask<{ result: readonly Series[] }>("query", { query: expr })).result;

  beforeAll(async () => {
    if (Bun.which("prometheus") === null) return;
    // The meter shows 85 W: somebody pays.
    const http = '[http]\nlisten = "127.0.0.1:0"\n[budget]\nwatts = 60\n';
    if (Bun.which("etcd") !== null) etcd = await startEtcd();
    // The first host is granted watts; the second can't reach etcd, and falls back.
    const inFleet = (name: string, endpoints?: readonly string[]) =>
      etcd &&
      `[fleet]\nendpoints = ${JSON.stringify(endpoints ?? etcd.urls)}\ngroup = "rack7"\nname = "${name}"\nfallback_watts = 50\n`;
    if (etcd !== undefined) {
      writeFileSync(`${dir}/fleet.toml`, inFleet("h1") ?? "");
      await runPowermon(["fleet", "budget", "set", "rack7", "500", "--config", `${dir}/fleet.toml`]);
    }
    hosts.push(
      await startBusyHost(4, { vm1: 2 }, http + (inFleet("h1") ?? ""), true),
      await startBusyHost(4, { vm2: 1 }, http + (inFleet("h2", ["http://127.0.0.1:1"]) ?? ""), true),
    );
    const began = performance.now();
    timer = setInterval(() => {
      const s = (performance.now() - began) / 1000;
      for (const one of hosts) {
        // CPU 0 is claimed and busy, CPU 1 of the first host claimed and idle.
        one.meters?.busy([s / 2, 0, s / 4]);
        one.meters?.energy(85 * s);
        one.scale(one === hosts[0] ? "vm1" : "vm2", 0, Math.floor(s * 10) % 2 === 0 ? "min" : "max");
      }
    }, 100);
    for (const one of hosts) one.meters?.measured(0, 1_999_000);
    hosts[0]?.scale("vm1", 1, "max");
    hosts[0]?.scale("vm1", 9, "max");
    writeFileSync(
      `${dir}/prometheus.yml`,
      JSON.stringify({
        global: { scrape_interval: "1s" },
        scrape_configs: [
          {
            job_name: "powermon",
            static_configs: [{ targets: hosts.map((one) => new URL(one.url).host) }],
          },
        ],
      }),
    );
    const free = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const listen = `127.0.0.1:${free.port}`;
    free.stop(true);
    url = `http://${listen}`;
    prometheus = Bun.spawn(
      [
        "prometheus",
        `--config.file=${dir}/prometheus.yml`,
        `--storage.tsdb.path=${dir}/data`,
        `--web.listen-address=${listen}`,
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
    const rate = filled("rate(powermon_package_energy_joules_total[$__rate_interval])");
    const both = () =>
      query(rate).then(
        (found) => found.length === 2,
        () => false,
      );
    await until("both hosts were scraped more than once", both, START_MS - 5000);
    // A new group promises nothing for some seconds.
    const granted = async () => (await query("powermon_fleet_granted_watts")).length === 1;
    if (etcd !== undefined) await until("a host was granted watts", granted, START_MS - 15_000);
  }, START_MS);
  afterAll(async () => {
    clearInterval(timer);
    prometheus?.kill("SIGTERM");
    await prometheus?.exited;
    for (const one of hosts) await one.stop();
    await etcd?.stop();
    rmSync(dir, { recursive: true });
  });

  for (const { title, expr, legend } of queries)
    testNeeding(needsOf(expr), `${title} shows ${expr}`, async () => {
      const isQuiet = QUIET.some((name) => name.test(expr));
      let series: readonly Series[] = [];
      await until("it has series", async () => isQuiet || (series = await query(filled(expr))).length > 0);
      if (isQuiet) series = await query(filled(expr));
      // Each word of the legend is a label that tells series apart.
      const labels = [...legend.matchAll(/{{(\w+)}}/g)].map(([, label = ""]) => label);
      for (const { metric } of series) expect(Object.keys(metric)).toEqual(expect.arrayContaining(labels));
      const told = series.map(({ metric }) => labels.map((label) => metric[label]).join());
      expect(new Set(told).size).toBe(told.length);
      // One host alone, where the variable says so.
      const instance = new URL(hosts[0]?.url ?? "").host;
      for (const { metric } of await query(filled(expr, instance)))
        if (metric["instance"] !== undefined) expect(metric["instance"]).toBe(instance);
    });

  testNeeding(["prometheus"], "variables have the hosts, and their VMs", async () => {
    const values = async ({ query: asked }: Variable) => {
      const found = /^label_values\((.*), (\w+)\)$/.exec(typeof asked === "string" ? "" : asked.query);
      if (found === null) return undefined;
      const [, match = "", label = ""] = found;
      return await ask<readonly string[]>(`label/${label}/values`, { "match[]": filled(match) });
    };
    const [, host, vm] = await Promise.all(dashboard.templating.list.map(values));
    expect(host).toEqual(hosts.map((one) => new URL(one.url).host).sort());
    expect(vm).toEqual(["vm1", "vm2"]);
  });

  testNeeding(
    ["prometheus"],
    "Claimed high and idle shows the claim that brings nothing, and no other",
    async () => {
      const idle = queries.find(({ title }) => title === "Claimed high and idle");
      await until("its clock is there, alone", async () => {
        const found = await query(filled(idle?.expr ?? ""));
        return found.map(({ metric }) => metric["domain"]).join() === "1";
      });
    },
  );
});
