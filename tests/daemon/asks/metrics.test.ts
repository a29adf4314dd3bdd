// The metrics of a host whose guests do what guests do, hostile ones too.

import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { readMetrics } from "../../../internal/daemon/asks/metrics.ts";
import { METRICS } from "../../../internal/metrics/metrics.ts";
import { prometheus } from "../../../internal/output/prometheus.ts";
import { Meters } from "../../helpers/meters.ts";
import { ask, frame, Lab } from "../../helpers/lab.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { until } from "../../helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

/** Returns the metrics as lines. */
const lines = () => prometheus(readMetrics(lab.host, "1.2.3")).trimEnd().split("\n");
/** Returns the value of one series; undefined when it is not there. */
function value(series: string): number | undefined {
  const line = lines().find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** Uses the host in every way that is counted. */
async function busy() {
  lab.start();
  const vm1 = await lab.guest("vm1.0");
  const vm2 = await lab.guest("vm2.0");
  await ask(vm1, frame({ step: "max" }));
  await ask(vm2, frame({ step: "min" }));
  await ask(vm2, frame({ step: "min", vcpu: 7 }));
  await ask(vm2, frame({ step: "min", vmName: "vm1" }));
  return { vm1, vm2 };
}

test("readMetrics() counts requests by VM, command and outcome, and refusals by reason", async () => {
  await busy();
  expect(value('powermon_requests_total{vm="vm1",command="max",outcome="done"}')).toBe(1);
  expect(value('powermon_requests_total{vm="vm2",command="min",outcome="done"}')).toBe(1);
  expect(value('powermon_requests_total{vm="vm2",command="min",outcome="refused"}')).toBe(2);
  const reason = (kind: string, why: string) =>
    value(`powermon_request_refusals_total{vm="vm2",kind="${kind}",reason="${why}"}`);
  expect(reason("denied", "name-mismatch")).toBe(1);
  expect(reason("unable", "not-pinned")).toBe(1);
  expect(value("powermon_request_duration_seconds_count")).toBe(4);
  expect(value('powermon_request_duration_seconds_bucket{le="1"}')).toBe(4);
  expect(value("powermon_request_duration_seconds_sum")).toBeGreaterThan(0);
});

test("readMetrics() tells what alerts watch before it happened the first time", async () => {
  lab.start();
  await lab.guest("vm1.0");
  for (const errno of ["EACCES", "EBUSY", "EINVAL", "EIO", "ENODEV", "ENOENT", "EPERM"])
    expect(value(`powermon_frequency_write_errors_total{errno="${errno}"}`), errno).toBe(0);
  const reason = (kind: string, why: string) =>
    value(`powermon_request_refusals_total{vm="vm1",kind="${kind}",reason="${why}"}`);
  for (const why of ["name-mismatch", "names-pcpu", "turbo-off", "command-off", "queries-off"])
    expect(reason("denied", why), why).toBe(0);
  expect(reason("rate-limited", "rate")).toBe(0);
  expect(reason("unable", "not-pinned")).toBeUndefined();
});

test("readMetrics() counts what is over the rate as rate-limited", async () => {
  lab.start({
    pinning: { sources: ["static"] },
    vm: { vm1: { pins: { 0: 2 }, rate: { requests_per_second: 1, burst: 1 } } },
  });
  const vm1 = await lab.guest("vm1.0");
  expect([await ask(vm1, frame({ step: "max" })), await ask(vm1, frame({ step: "max" }))]).toEqual([
    "ack",
    "nack",
  ]);
  expect(value('powermon_request_refusals_total{vm="vm1",kind="rate-limited",reason="rate"}')).toBe(1);
});

test("readMetrics() tells wanted and effective hertz of vCPUs and domains", async () => {
  await busy();
  const hertz = (what: string, labels: string) => value(`powermon_${what}_hertz{${labels}}`);
  expect(hertz("vcpu_wanted", 'vm="vm2",vcpu="0"')).toBe(800_000_000);
  expect(hertz("vcpu_effective", 'vm="vm2",vcpu="0"')).toBe(2_600_000_000);
  expect(hertz("domain_wanted", 'domain="2"')).toBe(2_600_000_000);
  expect(hertz("domain_effective", 'domain="2"')).toBe(2_600_000_000);
  expect(hertz("domain_effective", 'domain="0"')).toBeUndefined();
  expect(value('powermon_claims{by="guest"}')).toBe(2);
  expect(value('powermon_claims{by="operator"}')).toBe(0);
});

test("readMetrics() tells how long a domain was held at a frequency", async () => {
  const { vm1, vm2 } = await busy();
  const held = (hertz: number) =>
    value(`powermon_domain_time_in_state_seconds_total{domain="2",hertz="${hertz}"}`);
  const first = held(2_600_000_000) ?? 0;
  await until("time passes", () => (held(2_600_000_000) ?? 0) > first);
  await ask(vm1, frame({ step: "min" }));
  const max = held(2_600_000_000);
  await until("time passes at the other", () => (held(800_000_000) ?? 0) > 0);
  expect(held(2_600_000_000)).toBe(max as number);
  vm1.quit();
  vm2.quit();
  await until("the domain is given back", () => value('powermon_claims{by="guest"}') === 0);
  const given = held(800_000_000);
  expect(given).toBe(held(800_000_000) as number);
  expect(given).toBeGreaterThan(0);
});

test("readMetrics() counts writes, failures by errno, drift and its correction", async () => {
  const { vm1 } = await busy();
  expect(value("powermon_frequency_writes_total")).toBe(1);
  writeFileSync(lab.path(2, "scaling_setspeed"), "1000000\n");
  lab.host.upkeep.look();
  expect(value("powermon_drifts_total")).toBe(1);
  expect(value("powermon_drift_corrections_total")).toBe(1);
  expect(lab.speed(2)).toBe(2_600_000);
  const file = lab.path(3, "scaling_setspeed");
  rmSync(file);
  mkdirSync(file);
  expect(await ask(vm1, frame({ step: "max", vcpu: 1 }))).toBe("nack");
  expect(value('powermon_frequency_write_errors_total{errno="EISDIR"}')).toBeGreaterThan(0);
});

/** Returns a scale request with another command. */
function commanded(command: number): Uint8Array {
  const bytes = frame({ step: "max" });
  new DataView(bytes.buffer).setUint32(12, command, true);
  return bytes;
}

test("readMetrics() counts bytes that are no frame, also of channels that went", async () => {
  const { vm1 } = await busy();
  vm1.send(new Uint8Array(5).fill(0xff));
  vm1.send(frame({ step: "max" }));
  await until("it is back in step", () => value('powermon_stream_resyncs_total{vm="vm1"}') === 1);
  await lab.guest("vm1.1");
  vm1.quit();
  await until("its channel is gone", () => lab.host.channels.of("vm1").length === 1);
  expect(value('powermon_stream_resyncs_total{vm="vm1"}')).toBe(1);
  expect(value('powermon_bytes_discarded_total{vm="vm1"}')).toBe(5);
  expect(value('powermon_channels{vm="vm1",state="connected"}')).toBe(1);
});

test("readMetrics() counts commands that nobody knows by their numbers, and what comes after is served", async () => {
  const { vm1 } = await busy();
  for (const command of [11, 5, 200, 11]) vm1.send(commanded(command));
  expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
  const counted = [5, 6, 11, 200, "other"].map((command) =>
    value(`powermon_unknown_commands_total{vm="vm1",command="${command}"}`),
  );
  expect(counted).toEqual([1, undefined, 2, 1, 0]);
  expect(value('powermon_frames_malformed_total{vm="vm1"}')).toBe(4);
  expect(value('powermon_bytes_discarded_total{vm="vm1"}')).toBe(0);
});

test("readMetrics() counts reconnects and the frames of a disabled channel", async () => {
  lab.start();
  let connections = 0;
  const listener = Bun.listen({
    unix: `${lab.dir}/vm1.0`,
    socket: { open: (socket) => void (++connections === 1 && socket.end()), data() {} },
  });
  await until("it connects again", () => connections === 2);
  await until("that is counted", () => value('powermon_channel_reconnects_total{vm="vm1"}') === 1);
  const vm2 = await lab.guest("vm2.0");
  for (const channel of lab.host.channels.of("vm2")) channel.enabled = false;
  vm2.send(frame({ step: "max" }));
  await until("it is ignored", () => value('powermon_frames_ignored_total{vm="vm2"}') === 1);
  listener.stop(true);
});

test("readMetrics() counts evaluations of policies", async () => {
  await busy();
  expect(value('powermon_policy_evaluations_total{type="workload"}')).toBe(0);
  const rule = { type: "workload", workload: "low" } as const;
  const set = lab.host.policies.set({ vm: "vm1" }, "operator", { rule, vcpus: [0, 1], turbo: false });
  expect(set.ok).toBe(true);
  expect(value('powermon_policy_evaluations_total{type="workload"}')).toBe(1);
  expect(value('powermon_claims{by="policy"}')).toBe(2);
});

test("a hostile guest can't add a series by vCPU numbers, names, commands or bytes", async () => {
  const { vm1 } = await busy();
  await ask(vm1, frame({ step: "max", vcpu: 4_000_000 }));
  await ask(vm1, frame({ step: "max", vmName: "somebody" }));
  const before = lines().length;
  for (let n = 0; n < 200; n++) {
    await ask(vm1, frame({ step: "max", vcpu: 1000 + n * 7919 }));
    await ask(vm1, frame({ step: "max", vmName: `vm-${n}` }));
  }
  expect(lines().length).toBe(before);
  for (let n = 0; n < 50; n++) vm1.send(commanded(0x1000 + n));
  expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
  expect(value('powermon_unknown_commands_total{vm="vm1",command="other"}')).toBe(50);
  expect(lines().length).toBe(before);
  // A DPDK to come may have some commands more, and no guest has more than 16 of them counted apart.
  for (let command = 11; command <= 0xff; command++) {
    vm1.send(commanded(command));
    if (command % 20 === 0) await ask(vm1, frame({ step: "max" }));
  }
  expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
  expect(lines().length).toBe(before + 16);
  expect(value('powermon_unknown_commands_total{vm="vm1",command="other"}')).toBe(50 + 0xff - 10 - 16);
});

/** What powermon tells of a machine with meters, whose CPU 1 is busy. */
async function measuredLines(): Promise<readonly string[]> {
  const meters = new Meters(lab.tree, 4);
  meters.measured(1, 1_999_000);
  await lab.look.look();
  meters.busy([0, 7.5]);
  meters.energy(12.5);
  setSystemTime(Date.now() + 1000);
  const machine = await lab.look.look();
  setSystemTime();
  return prometheus(readMetrics(lab.host, "1.2.3", machine)).split("\n");
}

test("readMetrics() tells what CPUs, packages and thermometers show, by CPU, clock and name", async () => {
  await busy();
  const about = /^powermon_(cpu_busy|domain_measured|package_energy|temperature)/;
  expect((await measuredLines()).filter((line) => about.test(line))).toEqual([
    'powermon_cpu_busy_seconds_total{cpu="0",domain="0"} 0',
    'powermon_cpu_busy_seconds_total{cpu="1",domain="1"} 7.5',
    'powermon_cpu_busy_seconds_total{cpu="2",domain="2"} 0',
    'powermon_cpu_busy_seconds_total{cpu="3",domain="3"} 0',
    'powermon_domain_measured_hertz{domain="1"} 1999000000',
    'powermon_package_energy_joules_total{package="package-0"} 12.5',
    'powermon_temperature_celsius{sensor="coretemp Package id 0"} 61',
  ]);
});

test("readMetrics() offers every metric of the table that needs no fault, no budget and no fleet to be there", async () => {
  await busy();
  const there = new Set(
    (await measuredLines()).flatMap((line) => (line.startsWith("# TYPE ") ? [line.split(" ")[2] ?? ""] : [])),
  );
  const missing = Object.keys(METRICS).filter((name) => !there.has(name));
  const others = missing.filter((name) => !/^powermon_(budget|fleet)_/.test(name));
  expect(others).toEqual(["powermon_dropped_series"]);
});

testNeeding(["promtool"], "promtool check metrics has nothing to say about them", async () => {
  await busy();
  const check = Bun.spawnSync(["promtool", "check", "metrics"], {
    stdin: new TextEncoder().encode(`${lines().join("\n")}\n`),
    stderr: "pipe",
  });
  expect(check.stderr.toString() + check.stdout.toString()).toBe("");
  expect(check.exitCode).toBe(0);
});

test("readMetrics() tells how the host stands with its fleet, and no grant where none holds", () => {
  lab.start();
  expect(lines().some((line) => line.includes("fleet"))).toBe(false);
  const state = { leads: true, grant: 70, fallback: 50, problem: undefined };
  lab.host.fleet = { group: "rack7", state };
  expect(lines()).toContain('powermon_fleet_granted_watts{group="rack7"} 70');
  expect(lines()).toContain('powermon_fleet_leads{group="rack7"} 1');
  lab.host.fleet = { group: "rack7", state: { ...state, grant: undefined, problem: "No answer." } };
  expect(lines().filter((line) => line.startsWith("powermon_fleet_"))).toEqual([
    'powermon_fleet_fallback_watts{group="rack7"} 50',
    'powermon_fleet_leads{group="rack7"} 1',
    'powermon_fleet_silent{group="rack7"} 1',
  ]);
});
