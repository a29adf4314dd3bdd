// The dashboard and the alerts against the table of metrics: a panel over a metric that is not there stays empty for ever.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { METRICS } from "../../internal/metrics/metrics.ts";
import { testNeeding } from "../helpers/needing.ts";

const ROOT = join(import.meta.dir, "../../packaging");
const ALERTS = join(ROOT, "prometheus/alerts.yml");

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
}
const dashboard: {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
} = JSON.parse(readFileSync(join(ROOT, "grafana/powermon.json"), "utf8"));
const panels = dashboard.panels.flatMap(({ title, targets }) =>
  (targets ?? []).map(({ expr }) => [title, expr] as const),
);
const variables = dashboard.templating.list.flatMap(({ name, query }) =>
  typeof query === "string" ? [] : [[`variable ${name}`, query.query] as const],
);
const rules: { groups: { rules: { alert: string; expr: string }[] }[] } = Bun.YAML.parse(
  readFileSync(ALERTS, "utf8"),
) as never;
const alerts = rules.groups.flatMap((group) => group.rules).map(({ alert, expr }) => [alert, expr] as const);

/** Labels that Prometheus adds, or a histogram has. */
const ADDED = ["instance", "job", "le"];

/** Returns what an expression asks for that no metric has. */
function unknown(expr: string): string[] {
  const wrong: string[] = [];
  const labels = new Set(ADDED);
  for (const [, name = "", , selector = ""] of expr.matchAll(
    /\b((?:powermon|process)_[a-z_]+)(\{([^}]*)\})?/g,
  )) {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    const metric = Object.entries(METRICS).find(([known, { type }]) =>
      type === "histogram" ? known === base && base !== name : known === name,
    )?.[1];
    if (metric === undefined) wrong.push(name);
    for (const label of metric?.labels ?? []) labels.add(label);
    for (const [, label = ""] of selector.matchAll(/([a-z]+)=~?"/g)) {
      if (![...ADDED, ...(metric?.labels ?? [])].includes(label)) wrong.push(`${name}{${label}}`);
    }
  }
  for (const [, list = ""] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
    wrong.push(...list.split(", ").filter((label) => !labels.has(label)));
  }
  return wrong;
}

test("the search for what is not there finds it", () => {
  expect(unknown('sum by (nowhere) (powermon_nothing{vm="a"})')).toEqual([
    "powermon_nothing",
    "powermon_nothing{vm}",
    "nowhere",
  ]);
  expect(unknown("powermon_request_duration_seconds")).toEqual(["powermon_request_duration_seconds"]);
  expect(panels.length).toBeGreaterThan(20);
  expect(alerts.length).toBeGreaterThan(5);
});

test.each([...panels, ...variables, ...alerts])(
  "%s asks for metrics and labels that exist: %s",
  (_title, expr) => {
    expect(expr).toMatch(/\b(powermon|process)_/);
    expect(unknown(expr)).toEqual([]);
  },
);

test("docs/metrics.md tells of every metric what the table says, and of no other", () => {
  const rows = readFileSync(join(ROOT, "../docs/metrics.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows).toEqual(
    Object.entries(METRICS).map(([name, { type, help, labels }]) => [
      "",
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(" "),
      help,
      "",
    ]),
  );
});

test("every metric of powermon's own is on the dashboard or in an alert, but for a gauge that only says how many", () => {
  const used = [...panels, ...alerts].map(([, expr]) => expr).join("\n");
  const idle = Object.keys(METRICS).filter((name) => !new RegExp(`\\b${name}`).test(used));
  expect(idle).toEqual(["process_start_time_seconds", "powermon_domains", "powermon_domain_wanted_hertz"]);
});

describe("promtool", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(`${tmpdir()}/promtool-`);
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const promtool = (...words: readonly string[]) => {
    const run = Bun.spawnSync(["promtool", ...words], { stdout: "pipe", stderr: "pipe", timeout: 20_000 });
    return { status: run.exitCode, text: `${run.stdout}${run.stderr}` };
  };

  testNeeding(["promtool"], "promtool check rules takes the alerts", () => {
    const checked = promtool("check", "rules", ALERTS);
    expect(checked).toEqual({
      status: 0,
      text: expect.stringContaining(`SUCCESS: ${alerts.length} rules found`),
    });
  });

  testNeeding(["promtool"], "promtool check rules takes every expression of the dashboard", () => {
    const records = panels.map(([, expr], i) => ({
      record: `panel:${i}`,
      expr: expr.replaceAll("$__rate_interval", "5m"),
    }));
    writeFileSync(`${dir}/panels.yml`, JSON.stringify({ groups: [{ name: "panels", rules: records }] }));
    expect(promtool("check", "rules", `${dir}/panels.yml`)).toEqual({ status: 0, text: expect.any(String) });
  });

  testNeeding(["promtool"], "the alerts fire when they should and not before", () => {
    const series = (name: string, values: string) => ({ series: name, values });
    const at = (time: string, alertname: string, ...exp_labels: object[]) => ({
      eval_time: time,
      alertname,
      exp_alerts: exp_labels.map((labels) => ({ exp_labels: labels })),
    });
    const i = 'instance="h"';
    const input = [
      series(`powermon_build_info{${i}}`, "1x30 stale"),
      series(`powermon_frequency_write_errors_total{${i},errno="EIO"}`, "0x10 1x30"),
      series(`powermon_request_duration_seconds_bucket{${i},le="0.01"}`, "0+90x60"),
      series(`powermon_request_duration_seconds_bucket{${i},le="+Inf"}`, "0+100x60"),
      series(`powermon_channels{${i},vm="vm1",state="waiting"}`, "1x60"),
      series(
        `powermon_request_refusals_total{${i},vm="vm1",kind="denied",reason="name-mismatch"}`,
        "0+60x60",
      ),
      series(`powermon_drifts_total{${i}}`, "0x60"),
    ];
    const tests = [
      {
        interval: "1m",
        input_series: input,
        alert_rule_test: [
          at("10m", "PowermonWriteErrors"),
          at("15m", "PowermonWriteErrors", { instance: "h", errno: "EIO", severity: "warning" }),
          at("5m", "PowermonChannelNotConnected"),
          at("11m", "PowermonChannelNotConnected", { instance: "h", vm: "vm1", severity: "warning" }),
          at("25m", "PowermonRequestsDenied", {
            instance: "h",
            vm: "vm1",
            reason: "name-mismatch",
            severity: "warning",
          }),
          at("29m", "PowermonAbsent"),
          at("40m", "PowermonAbsent", { severity: "critical" }),
          at("40m", "PowermonDrift"),
        ],
      },
    ];
    // Annotations are not compared when none are expected; promtool wants them all or none.
    const bare = {
      groups: rules.groups.map((group) => ({
        ...group,
        rules: group.rules.map((rule) => ({ ...rule, annotations: {} })),
      })),
    };
    writeFileSync(`${dir}/alerts.yml`, JSON.stringify(bare));
    writeFileSync(`${dir}/test.yml`, JSON.stringify({ rule_files: ["alerts.yml"], tests }));
    expect(promtool("test", "rules", `${dir}/test.yml`)).toEqual({
      status: 0,
      text: expect.stringContaining("SUCCESS"),
    });
  });
});
