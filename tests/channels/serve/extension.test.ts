// Our own guest against a whole host: every extension request is answered once, and its claims end with its lease.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { vmConfig } from "../../../internal/config/effective.ts";
import { loadConfig } from "../../../internal/config/load.ts";
import { judge } from "../../../internal/config/read.ts";
import type { ConfigFile } from "../../../internal/config/schema.ts";
import type { ExtensionAnswer, ExtensionAsk } from "../../../internal/values/extension.ts";
import { Host } from "../../../internal/daemon/host.ts";
import { tellGuest } from "../../../internal/channels/serve/guest-words.ts";
import { Log } from "../../../internal/log.ts";
import { decodeReply } from "../../../internal/packet/reply.ts";
import { encodeRequest } from "../../../internal/packet/request.ts";
import { staticPins } from "../../../internal/pinning/static.ts";
import type { Step } from "../../../internal/values/frequency.ts";
import { openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { khz } from "../../../internal/values/units.ts";
import { QemuSocket } from "../../helpers/qemu.ts";
import { makeTree, type Tree } from "../../helpers/tree.ts";
import { until } from "../../helpers/until.ts";

let tree: Tree;
let host: Host;
let sockets: QemuSocket[];
let sequence = 0;

const HELLO: ExtensionAsk = { do: "hello", version: 7, leaseS: 60 };
const PINS: ConfigFile["vm"] = {
  vm1: { pins: { 0: 2, 1: 3 }, queries: true },
  vm2: { pins: { 0: 2 } },
};

function start(name: string, vm: ConfigFile["vm"], rest: ConfigFile = {}): void {
  tree = makeTree(name);
  mkdirSync(`${tree.root}/channels`);
  for (const cpu of [2, 3]) writeFileSync(pathOf(cpu, "scaling_governor"), "performance\n");
  const cpufreq = openCpufreq({ sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` });
  if (!cpufreq.ok) throw new Error("the fixture can't be opened");
  const judged = judge("test.toml", {
    channels: { dirs: [`${tree.root}/channels`] },
    pinning: { sources: ["static"] },
    ...rest,
    ...(vm && { vm }),
  });
  if (!judged.ok) throw new Error(JSON.stringify(judged.error));
  const config = loadConfig(undefined, `${tree.root}/none`, [{ from: "flags", read: judged.value }]);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  host = new Host({
    cpufreq: cpufreq.value,
    sysfsRoot: tree.sys,
    procRoot: tree.proc,
    config: config.value,
    log: new Log("error", "text", false, () => {}),
    sources: (of) => [staticPins((who) => vmConfig(of, who).pins)],
  });
  host.start();
}

beforeEach(() => {
  sockets = [];
});
afterEach(() => {
  host.stop();
  for (const socket of sockets) socket.quit();
  tree.remove();
});

async function guest(name: string): Promise<QemuSocket> {
  const socket = new QemuSocket(`${tree.root}/channels/${name}`);
  sockets.push(socket);
  await socket.hosted();
  return socket;
}

async function ask(socket: QemuSocket, what: ExtensionAsk, vcpu = 0, vmName = ""): Promise<ExtensionAnswer> {
  sequence += 3;
  const request = { kind: "extension", vcpu, vmName, physical: false, sequence, ask: what } as const;
  const reply = decodeReply(await socket.ask(encodeRequest(request, "18.11")));
  expect(reply).toMatchObject({ kind: "extension", sequence, vcpu });
  if (reply.kind !== "extension") throw new Error(reply.kind);
  return reply.answer;
}

async function v1(socket: QemuSocket, step: Step, vcpu = 0): Promise<string> {
  const request = { kind: "scale", vcpu, vmName: "", physical: false, step } as const;
  return decodeReply(await socket.ask(encodeRequest(request, "18.11"))).kind;
}

const pathOf = (cpu: number, file: string) => `${tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`;
const attribute = (cpu: number, file: string) => readFileSync(pathOf(cpu, file), "utf8").split("\n")[0];
/** The kHz a clock is held at; 0 while it is left to its own governor, as before any claim. */
const speed = (cpu: number) =>
  attribute(cpu, "scaling_governor") === "userspace" ? Number(attribute(cpu, "scaling_setspeed")) : 0;

test("HELLO agrees on the older version, the lease and tells the vCPUs; the answer bears the VM's name", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  expect(await ask(vm1, { do: "ping" })).toMatchObject({ do: "no", no: "no-hello" });
  expect(await ask(vm1, HELLO)).toEqual({ do: "hello", version: 1, leaseS: 60, vcpus: 2 });
  expect(await ask(vm1, { do: "ping" })).toEqual({ do: "ping", lapses: 0 });
  expect(await ask(vm1, { do: "ping" }, 0, "vm2")).toMatchObject({ no: "name-mismatch" });
});

test("SET_KHZ and SCALE set the clock and answer what it is now", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  await ask(vm1, HELLO);
  const set = (khz: number) => ask(vm1, { do: "set-khz", khz, turbo: false });
  expect(await set(1_100_000)).toEqual({ do: "set-khz", wishKhz: 1_200_000, targetKhz: 1_200_000 });
  expect(speed(2)).toBe(1_200_000);
  expect(await set(9_000_000)).toMatchObject({ targetKhz: 2_600_000 });
  expect(await set(1)).toMatchObject({ targetKhz: 800_000 });
  expect(await ask(vm1, { do: "scale", step: "up" })).toEqual({
    do: "scale",
    wishKhz: 1_000_000,
    targetKhz: 1_000_000,
  });
  expect(speed(2)).toBe(1_000_000);
  expect(speed(3)).not.toBe(1_000_000);
});

test("a VM that may not query is told its wish but not the clock, and no list", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const [vm1, vm2] = [await guest("vm1.0"), await guest("vm2.0")];
  await ask(vm1, HELLO);
  await ask(vm2, HELLO);
  await ask(vm1, { do: "scale", step: "max" });
  expect(await ask(vm2, { do: "scale", step: "min" })).toEqual({
    do: "scale",
    wishKhz: 800_000,
    targetKhz: 0,
  });
  for (const what of [{ do: "state" }, { do: "freqs", first: 0 }, { do: "list", first: 0 }] as const) {
    expect(await ask(vm2, what)).toMatchObject({ do: "no", no: "queries-off" });
  }
});

test("FREQS and LIST are paged, past 8 vCPUs too", async () => {
  const pins = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [i, i % 8]));
  start("acpi-cpufreq-8cpu-independent", { big: { pins, queries: true } });
  const big = await guest("big.0");
  await ask(big, HELLO);
  await ask(big, { do: "set-khz", khz: 800_000, turbo: false }, 39);
  const first = await ask(big, { do: "list", first: 0 });
  const rest = await ask(big, { do: "list", first: 32 });
  if (first.do !== "list" || rest.do !== "list") throw new Error("no lists");
  expect([first.total, first.vcpus.length, rest.first, rest.vcpus.length]).toEqual([40, 32, 32, 8]);
  expect(rest.vcpus[7]).toMatchObject({ khz: 800_000 });
  expect(await ask(big, { do: "list", first: 40 })).toMatchObject({ vcpus: [] });
  const freqs = await ask(big, { do: "freqs", first: 8 });
  expect(freqs).toMatchObject({ total: 10, first: 8, nominal: 0, khz: [1_000_000, 800_000] });
});

test("STATE says who decides and counts other VMs without naming them", async () => {
  start(
    "acpi-cpufreq-4cpu-independent",
    { ...PINS, secret: { pins: { 0: 3 } } },
    {
      limits: { "3": { ceiling: khz(2_000_000) } },
    },
  );
  const [vm1, secret] = [await guest("vm1.0"), await guest("secret.0")];
  await ask(vm1, HELLO);
  expect(await ask(vm1, { do: "state" }, 1)).toMatchObject({ decidedBy: "nobody", wishKhz: 0, otherVms: 0 });
  await v1(secret, "max");
  await ask(vm1, { do: "set-khz", khz: 1_000_000, turbo: false }, 1);
  await ask(vm1, { do: "set-khz", khz: 1_000_000, turbo: true }, 0);
  const state = await ask(vm1, { do: "state" }, 1);
  expect(state).toMatchObject({
    wishKhz: 1_000_000,
    targetKhz: 2_000_000,
    ceilingKhz: 2_000_000,
    floorKhz: 800_000,
    highestKhz: 2_600_000,
    ownClaims: 1,
    otherVms: 1,
    decidedBy: "other-vm",
    clippedBy: "site",
  });
  expect(JSON.stringify(state)).not.toContain("secret");
  expect(await ask(vm1, { do: "state" }, 0)).toMatchObject({ decidedBy: "this-vcpu", winner: 0 });
});

test("a refusal is answered with its code and a sentence, and STATE remembers it", async () => {
  start("amd-pstate-passive-4cpu", {
    vm1: { pins: { 0: 2 }, queries: true, turbo: false, commands: ["up", "down", "turbo-on", "query"] },
  });
  const vm1 = await guest("vm1.0");
  await ask(vm1, HELLO);
  expect(await ask(vm1, { do: "set-khz", khz: 4_000_000, turbo: true })).toMatchObject({ no: "turbo-off" });
  // What needs no turbo is not refused for the leave, and steps from there have none.
  expect(await ask(vm1, { do: "set-khz", khz: 2_600_000, turbo: true })).toMatchObject({
    wishKhz: 2_600_000,
  });
  expect(await ask(vm1, { do: "scale", step: "up" })).toMatchObject({ wishKhz: 2_600_000 });
  expect(await ask(vm1, { do: "scale", step: "max" })).toMatchObject({ no: "command-off" });
  expect(await ask(vm1, { do: "set-khz", khz: 1, turbo: false }, 5)).toMatchObject({ no: "not-pinned" });
  expect(await ask(vm1, { do: "state" })).toMatchObject({
    lastNo: { no: "command-off" },
    text: tellGuest({ kind: "command-off", vm: "vm1", command: "max" }),
  });
});

test("what this version doesn't know is answered too, and too many requests are answered as refused", async () => {
  start("acpi-cpufreq-4cpu-independent", {
    vm1: { pins: { 0: 2 }, rate: { requests_per_second: 1, burst: 3 } },
  });
  const vm1 = await guest("vm1.0");
  const later = { do: "not-understood", command: 0x564d0fff, why: "unknown-command", detail: "" } as const;
  expect(await ask(vm1, later)).toMatchObject({ no: "unknown-command" });
  expect(await ask(vm1, { do: "hello", version: 0, leaseS: 0 })).toMatchObject({ no: "bad-value" });
  await ask(vm1, HELLO);
  expect(await ask(vm1, { do: "ping" })).toMatchObject({ no: "rate" });
});

test("claims fall back to what the VM had before when the lease runs out", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  await v1(vm1, "min", 0);
  await ask(vm1, { ...HELLO, leaseS: 1 });
  await ask(vm1, { do: "scale", step: "max" }, 0);
  await ask(vm1, { do: "scale", step: "min" }, 0);
  await ask(vm1, { do: "scale", step: "max" }, 0);
  await ask(vm1, { do: "scale", step: "max" }, 1);
  expect([speed(2), speed(3)]).toEqual([2_600_000, 2_600_000]);
  await until("the lease is over", () => speed(2) === 800_000);
  expect(speed(3)).toBe(0);
  expect(await ask(vm1, { do: "ping" })).toEqual({ do: "ping", lapses: 1 });
});

test("a HELLO with a lease takes in what v1 requests have claimed since CONNECT and since the one before, one without leaves it", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  await v1(vm1, "min", 1);
  const connect = encodeRequest({ kind: "connect" }, "18.11");
  vm1.send(connect);
  // As an agent whose HELLO is answered late: what it has claimed till then is not to outlive it.
  await v1(vm1, "max", 0);
  await v1(vm1, "max", 0);
  await ask(vm1, { ...HELLO, leaseS: 1 });
  await v1(vm1, "max", 1);
  await ask(vm1, { ...HELLO, leaseS: 1 });
  await ask(vm1, { do: "set-khz", khz: 2_000_000, turbo: false }, 0);
  expect([speed(2), speed(3)]).toEqual([2_000_000, 2_600_000]);
  await until("the lease is over", () => speed(2) === 0);
  expect(speed(3)).toBe(800_000);

  vm1.send(connect);
  await v1(vm1, "max", 0);
  await ask(vm1, { ...HELLO, leaseS: 0 });
  await ask(vm1, { do: "set-khz", khz: 2_000_000, turbo: false }, 0);
  await ask(vm1, { do: "release", all: true }, 0);
  expect(speed(2)).toBe(2_600_000);
});

test("a lease that is renewed holds; a v1 request takes its claim out of the lease", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  await ask(vm1, { ...HELLO, leaseS: 1 });
  await ask(vm1, { do: "scale", step: "max" }, 0);
  await ask(vm1, { do: "scale", step: "max" }, 1);
  const began = performance.now();
  await until("1.5 s of pings", async () => {
    expect(await ask(vm1, { do: "ping" })).toMatchObject({ lapses: 0 });
    return performance.now() - began > 1500;
  });
  expect(speed(2)).toBe(2_600_000);
  await v1(vm1, "down", 0);
  await until("the lease is over", () => speed(3) !== 2_600_000);
  expect(speed(2)).toBe(2_400_000);
});

test("a CONNECT ends HELLO: the next program at the port says its own, and the claims of the one before keep their lease", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  await ask(vm1, { ...HELLO, leaseS: 1 });
  await ask(vm1, { do: "set-khz", khz: 2_000_000, turbo: false });
  vm1.send(encodeRequest({ kind: "connect" }, "18.11"));
  expect(await ask(vm1, { do: "ping" })).toMatchObject({ do: "no", no: "no-hello" });
  expect(await ask(vm1, { do: "release", all: true })).toMatchObject({ do: "no", no: "no-hello" });
  expect(speed(2)).toBe(2_000_000);
  expect(await ask(vm1, { ...HELLO, leaseS: 0 })).toMatchObject({ do: "hello", leaseS: 1 });
  await until("the lease is over", () => speed(2) === 0);
});

test("a HELLO without a lease does not free a dead agent's claims from theirs", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  await ask(vm1, { ...HELLO, leaseS: 1 });
  await ask(vm1, { do: "scale", step: "max" }, 0);
  expect(await ask(vm1, { ...HELLO, leaseS: 0 })).toMatchObject({ leaseS: 1 });
  expect(speed(2)).toBe(2_600_000);
  await until("the lease is over", () => speed(2) === 0);
  expect(await ask(vm1, { ...HELLO, leaseS: 0 })).toMatchObject({ leaseS: 0 });
});

test("RELEASE gives one claim up, or all; POLICY_REMOVE is answered", async () => {
  start("acpi-cpufreq-4cpu-independent", PINS);
  const vm1 = await guest("vm1.0");
  await ask(vm1, HELLO);
  await ask(vm1, { do: "scale", step: "max" }, 0);
  await ask(vm1, { do: "scale", step: "max" }, 1);
  expect(await ask(vm1, { do: "release", all: false }, 0)).toMatchObject({ do: "release", wishKhz: 0 });
  expect([speed(2), speed(3)]).toEqual([0, 2_600_000]);
  expect(await ask(vm1, { do: "release", all: true }, 0)).toMatchObject({ do: "release" });
  expect(speed(3)).toBe(0);
  expect(await ask(vm1, { do: "policy-remove" })).toEqual({ do: "policy-remove", removed: false });
});
