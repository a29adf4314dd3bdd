// Whose turbo it is: a stock guest never asks for it, so where DPDK's host starts with it the highest frequency is turbo.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { ExtensionAsk } from "../../internal/values/extension.ts";
import type { Step } from "../../internal/values/frequency.ts";
import type { GuestPolicy } from "../../internal/values/request.ts";
import { ask, frame, Lab } from "../helpers/lab.ts";
import type { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = acpi();
});
afterEach(() => lab.end());

/** Returns a host of acpi-cpufreq that has turbo, as its table says: the first entry is 1 MHz above the second. */
function acpi(): Lab {
  const made = new Lab("acpi-cpufreq-4cpu-independent");
  for (const cpu of [0, 1, 2, 3]) {
    const listed = readFileSync(made.path(cpu, "scaling_available_frequencies"), "utf8");
    writeFileSync(made.path(cpu, "scaling_available_frequencies"), `2601000 ${listed}`);
    for (const file of ["cpuinfo_max_freq", "scaling_max_freq"])
      writeFileSync(made.path(cpu, file), "2601000\n");
  }
  return made;
}

const says = (vm1: object = {}, more: object = {}) => ({
  pinning: { sources: ["static"] },
  vm: { vm1: { pins: { 0: 2, 1: 3 }, queries: true, ...vm1 } },
  ...more,
});
/** What CPU 2 was told after each step, kHz. */
async function after(guest: QemuSocket, steps: readonly Step[]): Promise<(number | undefined)[]> {
  const told: (number | undefined)[] = [];
  for (const step of steps) {
    expect(await ask(guest, frame({ step }))).toBe("ack");
    told.push(target());
  }
  return told;
}
const below = expect.any(Number);
const target = () => lab.host.cpufreq.domainById(2 as never)?.target;
const policy = (more: Partial<GuestPolicy>) =>
  encodeRequest(
    {
      kind: "policy",
      vcpu: 0,
      vmName: "",
      physical: false,
      policy: {
        type: "workload",
        vcpus: [0],
        macs: [],
        traffic: { min: 0, avg: 0, max: 0 },
        busyHours: [],
        quietHours: [],
        trafficHours: [],
        workload: "high",
        turbo: false,
        ...more,
      },
    },
    "18.11",
  );
const extension = async (guest: QemuSocket, what: ExtensionAsk) =>
  decodeReply(
    await guest.ask(
      encodeRequest(
        { kind: "extension", vcpu: 0, vmName: "", physical: false, sequence: 7, ask: what },
        "18.11",
      ),
    ),
  );

describe.each([
  ["acpi-cpufreq", acpi, 2_601_000, 2_600_000],
  ["amd-pstate", () => new Lab("amd-pstate-passive-4cpu"), 4_313_000, 2_600_000],
] as const)("on %s", (_, make, turbo, base) => {
  beforeEach(() => {
    lab.end();
    lab = make();
  });

  test("a guest that never asked for it gets turbo by MAX and by UP from base, and DOWN is one step from it", async () => {
    lab.start(says());
    const guest = await lab.guest("vm1.0");
    expect(await after(guest, ["max", "down", "up"])).toEqual([turbo, base, turbo]);
  });

  test("the first step of a guest goes from turbo, as in a host that starts there", async () => {
    lab.start(says());
    expect(await after(await lab.guest("vm1.0"), ["down"])).toEqual([base]);
    expect(await after(await lab.guest("vm1.1"), ["max"])).toEqual([turbo]);
  });

  test("DISABLE_TURBO ends it until ENABLE_TURBO", async () => {
    lab.start(says());
    const guest = await lab.guest("vm1.0");
    const steps = ["turbo-off", "max", "down", "up", "up", "turbo-on", "min", "max"] as const;
    expect(await after(guest, steps)).toEqual([base, base, below, base, base, turbo, below, turbo]);
  });
});

describe.each([
  ["intel_pstate", "intel-pstate-8cpu-smt", 2_400_000, 3_700_000],
  ["intel_cpufreq", "intel_cpufreq-passive-hwp-6.12", 2_400_000, 3_700_000],
] as const)("on %s", (_, tree, base, turbo) => {
  test("turbo waits for ENABLE_TURBO, and a policy for its own flag", async () => {
    lab.end();
    lab = new Lab(tree);
    const cpu = tree.includes("8cpu") ? 2 : 0;
    lab.start(says({ pins: { 0: cpu } }));
    const guest = await lab.guest("vm1.0");
    const told = () => lab.host.cpufreq.domainById(cpu as never)?.target as number;
    for (const [step, khz] of [
      ["max", base],
      ["up", base],
      ["turbo-on", turbo],
      ["turbo-off", base],
    ] as const) {
      expect(await ask(guest, frame({ step }))).toBe("ack");
      expect([step, told()]).toEqual([step, khz]);
    }
    for (const flag of [false, true, false]) {
      expect(await ask(guest, policy({ turbo: flag }))).toBe("ack");
      expect(told()).toBe(flag ? turbo : base);
    }
    expect(await ask(guest, frame({ step: "max" }))).toBe("ack");
    expect(told()).toBe(base);
  });
});

test.each([
  ["turbo = false", says({ turbo: false })],
  ["ceiling = base", says({ ceiling: "base" })],
  ["the site's ceiling", says({}, { limits: { "0-3": { ceiling: "base" } } })],
  ["commands without turbo-on", says({ commands: ["up", "down", "max", "min", "policy"] })],
])("%s keeps a VM's steps and policies from turbo", async (_, config) => {
  lab.start(config);
  const guest = await lab.guest("vm1.0");
  expect(await after(guest, ["max", "up", "min", "max"])).toEqual([2_600_000, 2_600_000, below, 2_600_000]);
  expect(await ask(guest, policy({}))).toBe("ack");
  expect(target() as number).toBe(2_600_000);
  guest.quit();
  await until("its wishes are gone", () => target() === undefined);
  expect(await ask(await lab.guest("vm1.1"), policy({ turbo: true }))).toBe("ack");
  expect(target() as number).toBe(2_600_000);
});

test("turbo = false takes the turbo that a VM has at once, and gives it back", async () => {
  const asks = lab.asks(says());
  const guest = await lab.guest("vm1.0");
  await after(guest, ["max"]);
  for (const [turbo, khz] of [
    [false, 2_600_000],
    [true, 2_601_000],
  ] as const) {
    expect(asks.changeVm({ vm: "vm1", turbo, save: false, dryRun: false })).toMatchObject({ ok: true });
    expect(target() as number).toBe(khz);
  }
});

describe("a policy", () => {
  test("of the guest shares the vCPU's turbo with its scale requests", async () => {
    lab.start(says());
    const guest = await lab.guest("vm1.0");
    expect(await ask(guest, policy({}))).toBe("ack");
    expect(target() as number).toBe(2_601_000);
    expect(await after(guest, ["turbo-off"])).toEqual([2_600_000]);
    expect(await ask(guest, policy({ type: "time", busyHours: every, quietHours: [] }))).toBe("ack");
    expect(target() as number).toBe(2_600_000);
    expect(await after(guest, ["max", "turbo-on"])).toEqual([2_600_000, 2_601_000]);
    expect(await ask(guest, policy({}))).toBe("ack");
    expect(target() as number).toBe(2_601_000);
  });

  test("of the operator does as it says, and where it says nothing as the clock starts", async () => {
    const asks = lab.asks(says());
    const guest = await lab.guest("vm1.0");
    await after(guest, ["turbo-off"]);
    for (const [turbo, khz] of [
      [false, 2_600_000],
      [undefined, 2_601_000],
      [true, 2_601_000],
    ] as const) {
      const written = { type: "workload", workload: "high", ...(turbo !== undefined && { turbo }) };
      const set = asks.setPolicy({ vm: "vm1", policy: written, save: false });
      expect(set).toMatchObject({ ok: true, value: [{ turbo }] });
      expect(target() as number).toBe(khz);
    }
  });
});

test("SET_KHZ says for itself whether it may be turbo, and for the steps that follow", async () => {
  lab.start(says());
  const guest = await lab.guest("vm1.0");
  await extension(guest, { do: "hello", version: 1, leaseS: 0 });
  const set = (khz: number, turbo: boolean) => extension(guest, { do: "set-khz", khz, turbo });
  expect(await after(guest, ["max"])).toEqual([2_601_000]);
  await set(9_000_000, false);
  expect(target() as number).toBe(2_600_000);
  await set(1_000_000, false);
  expect(await after(guest, ["max"])).toEqual([2_600_000]);
  await set(1_000_000, true);
  expect(await after(guest, ["max"])).toEqual([2_601_000]);
  await extension(guest, { do: "release", all: true });
  await set(1_000_000, false);
  await set(9_000_000, true);
  expect(await after(guest, ["min", "max"])).toEqual([below, 2_601_000]);
});

test("FREQS tells a VM that may use turbo that its steps start with it", async () => {
  const asks = lab.asks(says());
  const guest = await lab.guest("vm1.0");
  await extension(guest, { do: "hello", version: 1, leaseS: 0 });
  for (const turbo of [true, false]) {
    asks.changeVm({ vm: "vm1", turbo, save: false, dryRun: false });
    expect(await extension(guest, { do: "freqs", first: 0 })).toMatchObject({
      answer: { do: "freqs", nominal: 1, turboAtStart: turbo },
    });
  }
});

test("an operator's claim by step starts as the clock does, after one in kHz too", () => {
  const asks = lab.asks(says());
  for (const [wanted, khz] of [
    ["max", 2_601_000],
    [1_200_000, 1_200_000],
    ["max", 2_601_000],
    ["turbo-off", 2_600_000],
    ["max", 2_600_000],
  ] as const) {
    expect(asks.setFreq({ cpus: [2], target: wanted as Step })).toMatchObject({
      ok: true,
      value: [{ targetKhz: khz }],
    });
  }
});

const every = Array.from({ length: 24 }, (_, hour) => hour);
