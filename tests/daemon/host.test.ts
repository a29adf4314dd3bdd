import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { Step } from "../../internal/values/frequency.ts";
import { ask, frame, Lab, STATIC } from "../helpers/lab.ts";
import { makeProc } from "../helpers/proc.ts";
import { until } from "../helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

function replaceLab(tree?: string, procRoot?: string): Lab {
  lab.end();
  lab = new Lab(tree, procRoot);
  return lab;
}

describe("Host", () => {
  test("sets the pinned pCPU's frequency and no other when a guest scales its vCPU", async () => {
    lab.start();
    const before = lab.speeds;
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(lab.speeds).toEqual([before[0], before[1], 2600000, before[3]] as number[]);
    expect(await ask(vm1, frame({ step: "down", vcpu: 1 }))).toBe("ack");
    expect(lab.speeds).toEqual([before[0], before[1], 2600000, 2400000] as number[]);
  });

  test.each([
    ["another VM's name", { vmName: "vm2" }],
    ["a physical CPU", { physical: true }],
    ["a vCPU without pins", { vcpu: 7 }],
    ["a vCPU past all numbers", { vcpu: Number.MAX_SAFE_INTEGER }],
    ["turbo where there is none", { step: "turbo-on" as Step }],
  ])("refuses %s, says why and writes nothing", async (_, request) => {
    lab.start();
    const before = lab.speeds;
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max", ...request }))).toBe("nack");
    expect(lab.speeds).toEqual(before);
    expect(lab.log.some((line) => line.startsWith("warn: ") && line.includes("channel=vm1.0"))).toBe(true);
  });

  test("gives a shared domain the highest wish and withdraws a closed channel's", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    const vm2 = await lab.guest("vm2.0");
    await ask(vm1, frame({ step: "min" }));
    await ask(vm2, frame({ step: "max" }));
    expect(lab.speed(2)).toBe(2600000);
    await ask(vm1, frame({ step: "up" }));
    expect(lab.speed(2)).toBe(2600000);
    vm2.quit();
    await until("vm2's wish is gone", () => lab.speed(2) === 1000000);
  });

  test("gives a domain back to its original settings when its last claim goes", async () => {
    lab.start();
    const [governor, original] = [lab.attribute(2, "scaling_governor"), lab.speed(2)];
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    vm1.quit();
    await until("the original is back", () => lab.speed(2) === original);
    expect(lab.attribute(2, "scaling_governor")).toBe(governor as string);
  });

  test("lets the claims of a paused VM wait, also those made meanwhile, until it runs again", async () => {
    const host = lab.start();
    const [governor, original] = [lab.attribute(2, "scaling_governor"), lab.speed(2)];
    const vm1 = await lab.guest("vm1.0");
    const vm2 = await lab.guest("vm2.0");
    await ask(vm2, frame({ step: "min" }));
    await ask(vm1, frame({ step: "max" }));
    host.paused(new Set(["vm1"]));
    expect(lab.speed(2)).toBe(800000);
    await ask(vm1, frame({ step: "down" }));
    expect(lab.speed(2)).toBe(800000);
    host.paused(new Set(["vm1", "vm2"]));
    expect([lab.attribute(2, "scaling_governor"), lab.speed(2)]).toEqual([governor, original]);
    host.paused(new Set());
    expect(lab.speed(2)).toBe(2400000);
  });

  test("withdraws the claims of a VM that rebooted and serves it on", async () => {
    const host = lab.start();
    const original = lab.speed(2);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    host.rebooted("vm1");
    host.rebooted("unknown");
    expect(lab.speed(2)).toBe(original);
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(lab.speed(2)).toBe(2600000);
  });

  test("serves nothing that a guest sent before its VM rebooted, and the guest that comes then", async () => {
    const host = lab.start();
    const original = lab.speed(2);
    const vm1 = await lab.guest("vm1.0");
    const flood = Buffer.concat(Array.from({ length: 400 }, () => Buffer.from(frame({ step: "max" }))));
    const [channel] = host.channels.of("vm1");
    channel?.connection?.received(flood);
    host.rebooted("vm1");
    expect(lab.speed(2)).toBe(original);
    await until("the channel is connected anew", () => vm1.connections === 2);
    expect(lab.speed(2)).toBe(original);
    vm1.received = new Uint8Array(0);
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    expect(lab.speed(2)).toBe(800000);
  });

  test("finds a channel again when its VM restarts", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    vm1.quit();
    await until("the loss is noticed", () => lab.log.some((line) => line.includes("Channel lost")));
    vm1.restart();
    await vm1.hosted();
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    expect(lab.speed(2)).toBe(800000);
  });

  test("finds channels in a folder that is made after the start, or made anew", async () => {
    rmSync(lab.dir, { recursive: true });
    lab.start();
    expect(lab.log.join()).toContain("Cannot read the channel folder");
    mkdirSync(lab.dir);
    await lab.guest("a.b.0");
  }, 15_000);

  test("ignores files that are no channels", async () => {
    writeFileSync(`${lab.dir}/vm1.0`, "");
    lab.start();
    await lab.guest("vm1.1");
    expect([...lab.host.channels.all].map((channel) => channel.index)).toEqual([1]);
  });

  test("answers queries of an allowed VM and is silent to others", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    const vm2 = await lab.guest("vm2.0");
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

  test("answers a scale request past the rate with NACK, and a query with silence", async () => {
    lab.start({ ...STATIC, "vm-defaults": { rate: { requests_per_second: 1, burst: 1 } } });
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    const query = { kind: "query-freq", all: true, vcpu: 0, vmName: "", physical: false } as const;
    vm1.send(encodeRequest(query, "18.11"));
    expect(await ask(vm1, frame({ step: "min" }))).toBe("nack");
    expect(vm1.received.length).toBe(0);
    expect(lab.speed(2)).toBe(2600000);
  });

  test("keeps DPDK's silences: CONNECT, policy removal and unknown commands get no answer", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    const connect = new Uint8Array(464).fill(0xa5);
    new DataView(connect.buffer).setUint32(12, 2, true);
    vm1.send(connect);
    await until("CONNECT arrived", () => lab.log.some((line) => line.includes("request=connect")));
    vm1.send(encodeRequest({ kind: "policy-remove", vcpu: 0, vmName: "", physical: false }, "18.11"));
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    const unknown = frame({ step: "min" });
    new DataView(unknown.buffer).setUint32(12, 99, true);
    vm1.send(unknown);
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(lab.log.join()).toContain("has command 99");
    expect(vm1.received.length).toBe(0);
  });

  test.each(["2014", "17.11"] as const)("serves a guest of DPDK %s without a reply", async (wire) => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    vm1.send(encodeRequest({ kind: "connect" }, wire));
    await until("CONNECT arrived", () => lab.log.some((line) => line.includes("request=connect")));
    vm1.send(frame({ step: "max" }, wire));
    await until("the frequency follows", () => lab.speed(2) === 2600000);
    expect(vm1.received.length).toBe(0);
  });

  test("answers a write that fails with NACK, names the file and leaves other domains at work", async () => {
    lab.start();
    const file = lab.path(2, "scaling_governor");
    rmSync(file);
    mkdirSync(file);
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("nack");
    expect(lab.log.join()).toContain("policy2/scaling_governor");
    expect(await ask(vm1, frame({ step: "max", vcpu: 1 }))).toBe("ack");
    expect(lab.speed(3)).toBe(2600000);
  });

  test("writes siblings of a core that both are claimed, and never an unclaimed one", async () => {
    const vm = { vm1: { pins: { 0: 0 } }, vm2: { pins: { 0: 4 } } };
    replaceLab("intel-pstate-8cpu-smt").start({ pinning: { sources: ["static"] }, vm });
    const [first, second] = [0, 4];
    const max = (cpu: number) => Number(lab.attribute(cpu, "scaling_max_freq"));
    const untouched = max(second);
    const vm1 = await lab.guest("vm1.0");
    const vm2 = await lab.guest("vm2.0");
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
      replaceLab(undefined, proc.root).start({ pinning: { sources: ["proc"] } });
      const before = lab.speeds;
      const vm = await lab.guest("live.0");
      expect(await ask(vm, frame({ step: "max" }))).toBe("ack");
      expect(lab.speed(1)).toBe(2600000);
      proc.thread(process.pid, 1, "CPU 0/KVM", "3");
      await until("the claim followed", () => lab.speed(3) === 2600000);
      expect(lab.speed(1)).toBe(before[1] as number);
      proc.thread(process.pid, 1, "CPU 0/KVM", "0-3");
      await until("the floating vCPU's claim is gone", () => lab.speed(3) === before[3]);
      expect(await ask(vm, frame({ step: "max" }))).toBe("nack");
    } finally {
      proc.remove();
    }
  });

  test("claims all pCPUs of a floating vCPU when told so", async () => {
    const proc = makeProc();
    try {
      proc.thread(process.pid, 1, "CPU 0/KVM", "1-2");
      replaceLab(undefined, proc.root).start({ pinning: { sources: ["proc"], floating: "all" } });
      const vm = await lab.guest("live.0");
      expect(await ask(vm, frame({ step: "max" }))).toBe("ack");
      expect(lab.speeds.slice(1, 3)).toEqual([2600000, 2600000]);
    } finally {
      proc.remove();
    }
  });
});
