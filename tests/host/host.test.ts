import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { vmConfig } from "../../internal/config/effective.ts";
import { type Config, loadConfig } from "../../internal/config/load.ts";
import { judge } from "../../internal/config/read.ts";
import type { ConfigFile } from "../../internal/config/schema.ts";
import { Host } from "../../internal/host/host.ts";
import { Log } from "../../internal/log.ts";
import type { Generation } from "../../internal/packet/constants.ts";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import { procPins } from "../../internal/pinning/proc.ts";
import { staticPins } from "../../internal/pinning/static.ts";
import type { Request, Step } from "../../internal/request.ts";
import { openCpufreq } from "../../internal/sysfs/cpufreq.ts";
import { makeProc } from "../helpers/proc.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { makeTree, type Tree } from "../helpers/tree.ts";
import { until } from "../helpers/until.ts";

let tree: Tree;
let dir: string;
let host: Host | undefined;
let sockets: QemuSocket[] = [];
let log: string[] = [];

beforeEach(() => {
  tree = makeTree("acpi-cpufreq-4cpu-independent");
  dir = `${tree.root}/channels`;
  mkdirSync(dir);
  sockets = [];
  log = [];
});
afterEach(() => {
  host?.stop();
  host = undefined;
  for (const socket of sockets) socket.quit();
  tree.remove();
});

const PINS = {
  vm1: { pins: { 0: 2, 1: 3 }, queries: true },
  vm2: { pins: { 0: 2 } },
  "a.b": { pins: { 0: 1 } },
};

interface Start {
  /** Written over the defaults, as a configuration file would. */
  readonly says?: ConfigFile;
  readonly tree?: string;
  readonly procRoot?: string;
}

/** Returns the configuration of one file that says `says`. */
function configOf(says: ConfigFile): Config {
  const judged = judge("test.toml", { channels: { dirs: [dir] }, ...says });
  const config = judged.ok
    ? loadConfig(undefined, `${tree.root}/no-drop-ins`, [{ from: "flags", read: judged.value }])
    : judged;
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

const live: ConfigFile = { pinning: { sources: ["proc"] } };

function start({
  says = { pinning: { sources: ["static"] }, vm: PINS },
  tree: name,
  procRoot,
}: Start = {}): Host {
  if (name !== undefined) {
    tree.remove();
    tree = makeTree(name);
    dir = `${tree.root}/channels`;
    mkdirSync(dir);
  }
  const cpufreq = openCpufreq({ sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` });
  if (!cpufreq.ok) throw new Error("the fixture can't be opened");
  host = new Host({
    cpufreq: cpufreq.value,
    procRoot: procRoot ?? tree.proc,
    config: configOf(says),
    log: new Log("debug", "text", false, (line) => void log.push(line)),
    sources: (config) =>
      config.pinning.sources.includes("static")
        ? [staticPins((vm) => vmConfig(config, vm).pins)]
        : [procPins(procRoot ?? tree.proc)],
  });
  host.start();
  return host;
}

async function guest(name: string): Promise<QemuSocket> {
  const socket = new QemuSocket(`${dir}/${name}`);
  sockets.push(socket);
  await socket.hosted();
  return socket;
}

const frame = (
  request: Partial<Extract<Request, { kind: "scale" }>> & { step: Step },
  wire: Generation = "18.11",
) => encodeRequest({ kind: "scale", vcpu: 0, vmName: "", physical: false, ...request }, wire);
const ask = async (socket: QemuSocket, bytes: Uint8Array) => decodeReply(await socket.ask(bytes)).kind;
const attribute = (cpu: number, file: string) =>
  readFileSync(`${tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`, "utf8").split("\n")[0];
const speed = (cpu: number) => Number(attribute(cpu, "scaling_setspeed"));
const speeds = () => [0, 1, 2, 3].map(speed);

describe("Host", () => {
  test("sets the pinned pCPU's frequency and no other when a guest scales its vCPU", async () => {
    start();
    const before = speeds();
    const vm1 = await guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(speeds()).toEqual([before[0], before[1], 2600000, before[3]] as number[]);
    expect(await ask(vm1, frame({ step: "down", vcpu: 1 }))).toBe("ack");
    expect(speeds()).toEqual([before[0], before[1], 2600000, 2400000] as number[]);
  });

  test.each([
    ["another VM's name", { vmName: "vm2" }],
    ["a physical CPU", { physical: true }],
    ["a vCPU without pins", { vcpu: 7 }],
    ["a vCPU past all numbers", { vcpu: Number.MAX_SAFE_INTEGER }],
    ["turbo where there is none", { step: "turbo-on" as Step }],
  ])("refuses %s, says why and writes nothing", async (_, request) => {
    start();
    const before = speeds();
    const vm1 = await guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max", ...request }))).toBe("nack");
    expect(speeds()).toEqual(before);
    expect(log.some((line) => line.startsWith("warn: ") && line.includes("channel=vm1.0"))).toBe(true);
  });

  test("gives a shared domain the highest wish and withdraws a closed channel's", async () => {
    start();
    const vm1 = await guest("vm1.0");
    const vm2 = await guest("vm2.0");
    await ask(vm1, frame({ step: "min" }));
    await ask(vm2, frame({ step: "max" }));
    expect(speed(2)).toBe(2600000);
    await ask(vm1, frame({ step: "up" }));
    expect(speed(2)).toBe(2600000);
    vm2.quit();
    await until("vm2's wish is gone", () => speed(2) === 1000000);
  });

  test("gives a domain back to its original settings when its last claim goes", async () => {
    start();
    const [governor, original] = [attribute(2, "scaling_governor"), speed(2)];
    const vm1 = await guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    vm1.quit();
    await until("the original is back", () => speed(2) === original);
    expect(attribute(2, "scaling_governor")).toBe(governor as string);
  });

  test("finds a channel again when its VM restarts", async () => {
    start();
    const vm1 = await guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    vm1.quit();
    await until("the loss is noticed", () => log.some((line) => line.includes("Channel lost")));
    vm1.restart();
    await vm1.hosted();
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    expect(speed(2)).toBe(800000);
  });

  test("finds channels in a folder that is made after the start, or made anew", async () => {
    rmSync(dir, { recursive: true });
    start();
    expect(log.join()).toContain("Cannot read the channel folder");
    mkdirSync(dir);
    await guest("a.b.0");
  }, 15_000);

  test("ignores files that are no channels", async () => {
    writeFileSync(`${dir}/vm1.0`, "");
    start();
    await guest("vm1.1");
    expect([...(host?.channels.all ?? [])].map((channel) => channel.index)).toEqual([1]);
  });

  test("answers queries of an allowed VM and is silent to others", async () => {
    start();
    const vm1 = await guest("vm1.0");
    const vm2 = await guest("vm2.0");
    await ask(vm1, frame({ step: "max" }));
    const query = { kind: "query-freq", all: true, vcpu: 0, vmName: "", physical: false } as const;
    const freq = decodeReply(await vm1.ask(encodeRequest(query, "18.11"), 88));
    expect(freq).toMatchObject({ kind: "freq-list", count: 2, khz: [2600000, 800000] });
    const caps = decodeReply(await vm1.ask(encodeRequest({ ...query, kind: "query-caps" }, "18.11"), 184));
    expect(caps).toMatchObject({ kind: "caps-list", count: 2 });
    vm2.send(encodeRequest(query, "18.11"));
    // The next answer is the scale request's: nothing came before it.
    expect(await ask(vm2, frame({ step: "min" }))).toBe("ack");
    expect(vm2.received.length).toBe(0);
  });

  test("keeps DPDK's silences: CONNECT, policy removal and unknown commands get no answer", async () => {
    start();
    const vm1 = await guest("vm1.0");
    const connect = new Uint8Array(464).fill(0xa5);
    new DataView(connect.buffer).setUint32(12, 2, true);
    vm1.send(connect);
    await until("CONNECT arrived", () => log.some((line) => line.includes("request=connect")));
    vm1.send(encodeRequest({ kind: "policy-remove", vcpu: 0, vmName: "", physical: false }, "18.11"));
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    const unknown = frame({ step: "min" });
    new DataView(unknown.buffer).setUint32(12, 99, true);
    vm1.send(unknown);
    await until("the stream is out of step", () => log.some((line) => line.includes("out of step")));
    expect(vm1.received.length).toBe(0);
  });

  test.each(["2014", "17.11"] as const)("serves a guest of DPDK %s without a reply", async (wire) => {
    start();
    const vm1 = await guest("vm1.0");
    vm1.send(encodeRequest({ kind: "connect" }, wire));
    await until("CONNECT arrived", () => log.some((line) => line.includes("request=connect")));
    vm1.send(frame({ step: "max" }, wire));
    await until("the frequency follows", () => speed(2) === 2600000);
    expect(vm1.received.length).toBe(0);
  });

  test("answers a write that fails with NACK, names the file and leaves other domains at work", async () => {
    start();
    const file = `${tree.sys}/devices/system/cpu/cpufreq/policy2/scaling_governor`;
    rmSync(file);
    mkdirSync(file);
    const vm1 = await guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("nack");
    expect(log.join()).toContain("policy2/scaling_governor");
    expect(await ask(vm1, frame({ step: "max", vcpu: 1 }))).toBe("ack");
    expect(speed(3)).toBe(2600000);
  });

  test("writes siblings of a core that both are claimed, and never an unclaimed one", async () => {
    const vm = { vm1: { pins: { 0: 0 } }, vm2: { pins: { 0: 4 } } };
    start({ says: { pinning: { sources: ["static"] }, vm }, tree: "intel-pstate-8cpu-smt" });
    const [first, second] = [0, 4];
    const max = (cpu: number) => Number(attribute(cpu, "scaling_max_freq"));
    const untouched = max(second);
    const vm1 = await guest("vm1.0");
    const vm2 = await guest("vm2.0");
    await ask(vm1, frame({ step: "min" }));
    const low = max(first);
    expect(max(second)).toBe(untouched);
    await ask(vm2, frame({ step: "max" }));
    expect(max(first)).toBe(max(second));
    expect(max(first)).toBeGreaterThan(low);
    await ask(vm2, frame({ step: "min" }));
    expect([max(first), max(second)]).toEqual([low, low]);
  });
});

describe("Host with live pins", () => {
  test("moves a claim within a second when the vCPU's thread is pinned anew", async () => {
    const proc = makeProc();
    try {
      // The peer of the test's sockets is the test itself.
      proc.thread(process.pid, 1, "CPU 0/KVM", "1");
      start({ says: live, procRoot: proc.root });
      const before = speeds();
      const vm = await guest("live.0");
      expect(await ask(vm, frame({ step: "max" }))).toBe("ack");
      expect(speed(1)).toBe(2600000);
      proc.thread(process.pid, 1, "CPU 0/KVM", "3");
      await until("the claim followed", () => speed(3) === 2600000);
      expect(speed(1)).toBe(before[1] as number);
      proc.thread(process.pid, 1, "CPU 0/KVM", "0-3");
      await until("the floating vCPU's claim is gone", () => speed(3) === before[3]);
      expect(await ask(vm, frame({ step: "max" }))).toBe("nack");
    } finally {
      proc.remove();
    }
  });

  test("claims all pCPUs of a floating vCPU when told so", async () => {
    const proc = makeProc();
    try {
      proc.thread(process.pid, 1, "CPU 0/KVM", "1-2");
      start({ says: { pinning: { sources: ["proc"], floating: "all" } }, procRoot: proc.root });
      const vm = await guest("live.0");
      expect(await ask(vm, frame({ step: "max" }))).toBe("ack");
      expect(speeds().slice(1, 3)).toEqual([2600000, 2600000]);
    } finally {
      proc.remove();
    }
  });
});
