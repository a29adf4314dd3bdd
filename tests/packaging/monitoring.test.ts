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
const rules: { groups: { rules: { alert: string; expr: string; labels: { severity: string } }[] }[] } =
  Bun.YAML.parse(readFileSync(ALERTS, "utf8")) as never;
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
    expect(expr).toMatch(/\b(powermon|process)_|^up\{job="powermon"\}|\bnode_textfile_mtime_seconds\b/);
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

interface Case {
  /** Series of a host where all is well, with their values minute by minute; alone they set nothing off. */
  readonly good: Readonly<Record<string, string>>;
  /** Those of one that is not; it fires after 40 minutes, and not yet at `before`. */
  readonly bad: Readonly<Record<string, string>>;
  readonly before: string;
  /** It fires where there is no good host. */
  readonly alone?: true;
  readonly labels: Readonly<Record<string, string>>;
}

const well = (name: string, more: string, values: string) => ({
  [`${name}{instance="good"${more}}`]: values,
});
const ill = (name: string, more: string, values: string) => ({ [`${name}{instance="bad"${more}}`]: values });
const REFUSED = "powermon_request_refusals_total";
const denied = ',vm="vm1",kind="denied",reason="name-mismatch"';
const limited = ',vm="vm1",kind="rate-limited",reason="rate"';
const duration = (le: string) => `,le="${le}"`;

const CASES: Readonly<Record<string, Case>> = {
  PowermonDown: {
    good: well("up", ',job="powermon"', "1x60"),
    bad: { ...ill("up", ',job="powermon"', "1x20 0x40"), ...ill("up", ',job="other"', "0x60") },
    before: "24m",
    labels: { instance: "bad", job: "powermon" },
  },
  PowermonFileOld: {
    good: well("node_textfile_mtime_seconds", ',file="/d/powermon.prom"', "0+60x60"),
    bad: {
      ...ill("node_textfile_mtime_seconds", ',file="/d/powermon.prom"', "0+60x10 600x50"),
      ...ill("node_textfile_mtime_seconds", ',file="/d/other.prom"', "0x60"),
    },
    before: "24m",
    labels: { instance: "bad", file: "/d/powermon.prom" },
  },
  PowermonAbsent: {
    good: well("powermon_build_info", ',version="1",bun="1"', "1x60"),
    bad: ill("powermon_build_info", ',version="1",bun="1"', "1x25 stale"),
    alone: true,
    before: "29m",
    labels: {},
  },
  PowermonWriteErrors: {
    good: well("powermon_frequency_write_errors_total", ',errno="EIO"', "0x60"),
    bad: ill("powermon_frequency_write_errors_total", ',errno="EIO"', "0x35 1x25"),
    before: "35m",
    labels: { instance: "bad", errno: "EIO" },
  },
  PowermonAnswersSlow: {
    good: {
      ...well("powermon_request_duration_seconds_bucket", duration("0.01"), "0+1000x60"),
      ...well("powermon_request_duration_seconds_bucket", duration("+Inf"), "0+1000x60"),
    },
    bad: {
      ...ill("powermon_request_duration_seconds_bucket", duration("0.01"), "0+90x60"),
      ...ill("powermon_request_duration_seconds_bucket", duration("0.1"), "0+100x60"),
      ...ill("powermon_request_duration_seconds_bucket", duration("+Inf"), "0+100x60"),
    },
    before: "10m",
    labels: { instance: "bad" },
  },
  PowermonEventLoopLag: {
    good: {
      ...well("powermon_event_loop_lag_seconds_count", "", "0+60x60"),
      ...well("powermon_event_loop_lag_seconds_bucket", duration("0.1"), "0+60x60"),
    },
    bad: {
      ...ill("powermon_event_loop_lag_seconds_count", "", "0+60x60"),
      ...ill("powermon_event_loop_lag_seconds_bucket", duration("0.1"), "0+50x60"),
    },
    before: "10m",
    labels: { instance: "bad" },
  },
  PowermonChannelNotConnected: {
    good: well("powermon_channels", ',vm="vm1",state="waiting"', "1x5 0x55"),
    bad: ill("powermon_channels", ',vm="vm1",state="waiting"', "1x60"),
    before: "5m",
    labels: { instance: "bad", vm: "vm1" },
  },
  PowermonRequestsDenied: {
    good: well(REFUSED, denied, "0x20 1x40"),
    bad: ill(REFUSED, denied, "0+60x60"),
    before: "10m",
    labels: { instance: "bad", vm: "vm1", reason: "name-mismatch" },
  },
  PowermonRateLimited: {
    good: well(REFUSED, limited, "0x60"),
    bad: ill(REFUSED, limited, "0+1x60"),
    before: "15m",
    labels: { instance: "bad", vm: "vm1" },
  },
  PowermonStreamOutOfStep: {
    good: {
      ...well("powermon_stream_resyncs_total", ',vm="vm1"', "0x20 1x40"),
      ...well("powermon_frames_dropped_total", ',vm="vm1"', "0x60"),
      ...well("powermon_unknown_commands_total", ',vm="vm1",command="other"', "0x60"),
    },
    bad: {
      ...ill("powermon_stream_resyncs_total", ',vm="vm1"', "0+3x60"),
      ...ill("powermon_frames_dropped_total", ',vm="vm1"', "0x60"),
      ...ill("powermon_unknown_commands_total", ',vm="vm1",command="other"', "0x60"),
    },
    before: "15m",
    labels: { instance: "bad", vm: "vm1" },
  },
  PowermonHung: {
    good: well("powermon_hung_files", "", "0x60"),
    bad: ill("powermon_hung_files", "", "0x5 1x55"),
    before: "5m",
    labels: { instance: "bad" },
  },
  PowermonDrift: {
    good: well("powermon_drifts_total", "", "0x20 1x40"),
    bad: ill("powermon_drifts_total", "", "0+2x60"),
    before: "15m",
    labels: { instance: "bad" },
  },
  PowermonOverBudget: {
    good: {
      ...well("powermon_budget_watts", "", "110x60"),
      ...well("powermon_budget_drawn_watts", "", "109x20 112x0 108x39"),
    },
    bad: {
      ...ill("powermon_budget_watts", "", "110x60"),
      ...ill("powermon_budget_drawn_watts", "", "109x20 112x39"),
    },
    before: "21m",
    labels: { instance: "bad" },
  },
  PowermonBudgetFloors: {
    good: well("powermon_budget_floors_too_high", "", "0x60"),
    bad: ill("powermon_budget_floors_too_high", "", "0x20 1x40"),
    before: "21m",
    labels: { instance: "bad" },
  },
  PowermonBudgetMeterLost: {
    good: well("powermon_budget_meter_lost", "", "0x60"),
    bad: ill("powermon_budget_meter_lost", "", "0x20 1x40"),
    before: "21m",
    labels: { instance: "bad" },
  },
  PowermonFleetSilent: {
    good: well("powermon_fleet_silent", ',group="rack7"', "0x20 1 0x39"),
    bad: ill("powermon_fleet_silent", ',group="rack7"', "0x5 1x55"),
    before: "5m",
    labels: { instance: "bad", group: "rack7" },
  },
  PowermonSeriesDropped: {
    good: well("powermon_dropped_series", ',metric="powermon_vcpu_wanted_hertz"', "0x60"),
    bad: ill("powermon_dropped_series", ',metric="powermon_vcpu_wanted_hertz"', "12x60"),
    before: "14m",
    labels: { instance: "bad", metric: "powermon_vcpu_wanted_hertz" },
  },
};

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

  /** Annotations are not compared when none are expected; promtool wants them all or none. */
  const bare = {
    groups: rules.groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({ ...rule, annotations: {} })),
    })),
  };

  test("every alert has a case in which it fires", () => {
    expect(Object.keys(CASES)).toEqual(alerts.map(([alert]) => alert));
  });

  for (const [alertname, { good, bad, alone, before, labels }] of Object.entries(CASES))
    testNeeding(
      ["promtool"],
      `${alertname} fires where it should, not before, and not on a good host`,
      () => {
        const rule = bare.groups.flatMap((group) => group.rules).find(({ alert }) => alert === alertname);
        const at = (eval_time: string, exp_alerts: readonly object[]) => ({
          eval_time,
          alertname,
          exp_alerts,
        });
        const fired = { exp_labels: { ...labels, severity: rule?.labels.severity } };
        const group = (from: readonly Case["good"][], alert_rule_test: readonly object[]) => ({
          interval: "1m",
          input_series: from.flatMap((one) =>
            Object.entries(one).map(([series, values]) => ({ series, values })),
          ),
          alert_rule_test,
        });
        const tests = [
          group(alone ? [bad] : [good, bad], [at(before, []), at("40m", [fired])]),
          group([good], [at("40m", [])]),
        ];
        writeFileSync(`${dir}/alerts.yml`, JSON.stringify(bare));
        writeFileSync(`${dir}/test.yml`, JSON.stringify({ rule_files: ["alerts.yml"], tests }));
        expect(promtool("test", "rules", `${dir}/test.yml`)).toEqual({
          status: 0,
          text: expect.stringContaining("SUCCESS"),
        });
      },
    );
});
