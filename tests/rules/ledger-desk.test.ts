import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { simulate } from "../../internal/rules/simulation.ts";
import { domainId, pcpu } from "../../internal/values/units.ts";
import { RETRY_MS } from "../../internal/rules/engine.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { GuestPolicy } from "../../internal/values/request.ts";
import { ask, frame, Lab, STATIC } from "../helpers/lab.ts";
import { makeProc } from "../helpers/proc.ts";
import { until } from "../helpers/until.ts";
import { TestClock, workload } from "./policy-world.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const POLICY: GuestPolicy = {
  type: "workload",
  vcpus: [0, 1],
  macs: [],
  traffic: { min: 0, avg: 0, max: 0 },
  busyHours: [],
  quietHours: [],
  trafficHours: [],
  workload: "high",
  turbo: false,
};
const every = Array.from({ length: 24 }, (_, hour) => hour);
const send = (policy: Partial<GuestPolicy>) =>
  encodeRequest(
    { kind: "policy", vcpu: 0, vmName: "", physical: false, policy: { ...POLICY, ...policy } },
    "18.11",
  );
const remove = () => encodeRequest({ kind: "policy-remove", vcpu: 0, vmName: "", physical: false }, "18.11");
const operator = (says: object) => ({
  ...STATIC,
  vm: { ...STATIC.vm, vm1: { ...STATIC.vm.vm1, policy: says } },
});

describe("a guest's policy", () => {
  test("moves its vCPUs before it is acknowledged, and ends when removed", async () => {
    lab.start();
    const before = lab.speeds;
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, send({}))).toBe("ack");
    expect(lab.speeds).toEqual([before[0], before[1], 2600000, 2600000] as number[]);
    expect(await ask(vm1, send({ workload: "medium" }))).toBe("ack");
    expect(lab.speed(2)).toBe(1600000);
    vm1.send(remove());
    await until("the originals are back", () => lab.speed(2) === before[2] && lab.speed(3) === before[3]);
    expect(vm1.received.length).toBe(0);
  });

  test("of the hours that guest_cli sends stands though its MAC is nowhere, and tells what waits", async () => {
    lab.start(STATIC, new TestClock("2026-06-10T12:00:00Z"));
    const vm1 = await lab.guest("vm1.0");
    const hours = { busyHours: [3, 4, 5], quietHours: every, trafficHours: [8, 10] };
    expect(await ask(vm1, send({ type: "time", macs: ["52:54:00:00:00:01"], ...hours }))).toBe("ack");
    expect(lab.speed(2)).toBe(800_000);
    expect([...lab.host.policies.list({ vm: "vm1" })]).toMatchObject([
      { inForce: true, problem: { kind: "mac-nowhere", mac: "52:54:00:00:00:01" } },
    ]);
    expect(lab.log.join()).toContain("52:54:00:00:00:01");
  });

  test("goes with its channel", async () => {
    lab.start();
    const before = lab.speed(2);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, send({}));
    vm1.quit();
    await until("its wishes are gone", () => lab.speed(2) === before);
  });

  test("waits for a vCPU that lost its place, and moves it again where it runs then", async () => {
    const proc = makeProc();
    try {
      // The peer of the test's sockets is the test itself.
      proc.thread(process.pid, 1, "CPU 0/KVM", "1");
      lab.end();
      lab = new Lab(undefined, proc.root);
      const clock = new TestClock("2026-06-10T12:00:00Z");
      lab.start({ pinning: { sources: ["proc"] } }, clock);
      const before = lab.speeds;
      const live = await lab.guest("live.0");
      expect(await ask(live, send({ vcpus: [0] }))).toBe("ack");
      expect(lab.speed(1)).toBe(2600000);
      proc.thread(process.pid, 1, "CPU 0/KVM", "0-3");
      await until("the floating vCPU's wish is gone", () => lab.speed(1) === before[1]);
      proc.thread(process.pid, 1, "CPU 0/KVM", "3");
      await until("the policy moves it again", () => {
        clock.pass(RETRY_MS);
        return lab.speed(3) === 2600000;
      });
    } finally {
      proc.remove();
    }
  });

  test("is arbitrated on a shared clock", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    const vm2 = await lab.guest("vm2.0");
    await ask(vm1, send({ workload: "low" }));
    await ask(vm2, frame({ step: "max" }));
    expect(lab.speed(2)).toBe(2600000);
    expect(lab.speed(3)).toBe(800000);
  });

  test.each([
    ["a vCPU that has no place", { vcpus: [0, 7] }],
    ["a MAC that is nowhere", { type: "traffic" as const, macs: ["52:54:00:00:00:01"] }],
  ])("is refused for %s, and nothing is applied", async (_, policy) => {
    lab.start();
    const before = lab.speeds;
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, send(policy))).toBe("nack");
    expect(lab.speeds).toEqual(before);
  });

  test("is refused where the VM may not send one", async () => {
    lab.start({ ...STATIC, "vm-defaults": { commands: ["up", "down"] } });
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, send({}))).toBe("nack");
    expect(lab.log.join()).toContain('may not ask "policy"');
  });
});

describe("a policy of hours", () => {
  const HOUR = 3_600_000;
  const zone = process.env["TZ"];
  afterEach(() => {
    process.env["TZ"] = zone ?? "UTC";
  });

  test("of a guest is looked at when the hour comes, and not before", async () => {
    const clock = new TestClock("2026-06-10T16:59:00Z");
    lab.start(STATIC, clock);
    const before = lab.speed(2);
    const vm1 = await lab.guest("vm1.0");
    const hours = { type: "time" as const, busyHours: [17], quietHours: [19], vcpus: [0] };
    expect(await ask(vm1, send(hours))).toBe("ack");
    clock.pass(59_999);
    expect(lab.speed(2)).toBe(before);
    clock.pass(1);
    expect(lab.speed(2)).toBe(2600000);
    clock.pass(HOUR);
    // Neither busy nor quiet: left as it is.
    expect(lab.speed(2)).toBe(2600000);
    clock.pass(HOUR);
    expect(lab.speed(2)).toBe(800000);
    clock.set("2026-06-10T17:30:00Z");
    lab.host.upkeep.resumed();
    expect(lab.speed(2)).toBe(2600000);
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    expect(lab.speed(2)).toBe(800000);
  });

  test("of a guest follows the host's local time on the day that clocks are put forward", async () => {
    process.env["TZ"] = "Europe/Berlin";
    // 01:30 local; 02:00 to 03:00 is left out.
    const clock = new TestClock("2026-03-29T00:30:00Z");
    lab.start(STATIC, clock);
    const vm1 = await lab.guest("vm1.0");
    const hours = { type: "time" as const, busyHours: [2, 3], quietHours: [1, 4], vcpus: [0] };
    expect(await ask(vm1, send(hours))).toBe("ack");
    expect(lab.speed(2)).toBe(800000);
    clock.pass(HOUR / 2);
    expect(lab.speed(2)).toBe(2600000);
    clock.pass(HOUR);
    expect(lab.speed(2)).toBe(800000);
  });

  test("of an operator has the hour that comes twice twice, on the day that clocks are put back", async () => {
    const windows = [{ from: "02:00", to: "03:00", level: "min" }];
    const clock = new TestClock("2026-10-24T23:59:00Z");
    lab.start(operator({ type: "time", timezone: "Europe/Berlin", default: "medium", windows }), clock);
    await lab.guest("vm1.0");
    expect(lab.speeds.slice(2)).toEqual([1600000, 1600000]);
    clock.pass(60_000);
    expect(lab.speeds.slice(2)).toEqual([800000, 800000]);
    clock.pass(2 * HOUR - 1);
    expect(lab.speeds.slice(2)).toEqual([800000, 800000]);
    clock.pass(1);
    expect(lab.speeds.slice(2)).toEqual([1600000, 1600000]);
  });
});

describe("an operator's policy", () => {
  test("in the configuration stands once the VM comes, before the guest's own wishes, within its limits", async () => {
    lab.start(operator({ type: "workload", workload: "low" }));
    const vm1 = await lab.guest("vm1.0");
    await until("it is in force", () => lab.attribute(3, "scaling_setspeed") === "800000");
    expect(await ask(vm1, frame({ step: "max", vcpu: 1 }))).toBe("ack");
    expect(lab.speed(3)).toBe(800000);
    const config = lab.load({ ...STATIC, "vm-defaults": { floor: 1400000 } });
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    lab.host.configure(config.value);
    // Without the policy the guest's word counts again.
    expect(lab.speed(3)).toBe(2600000);
  });

  test("is judged with the configuration", () => {
    const config = lab.load(operator({ type: "workload" }));
    expect(config.ok ? "" : config.error[0]).toMatchObject({
      key: "vm.vm1.policy.workload",
      wrong: "is missing",
    });
  });
});

test.each([
  [false, 2_400_000],
  [true, 3_000_000],
])(
  "daemon and dry run mean the same by medium where half of the table is boost, with turbo %p",
  async (turbo, khz) => {
    lab.end();
    lab = new Lab("acpi-cpufreq-4cpu-boost");
    for (const cpu of [0, 1, 2, 3]) {
      for (const [file, text] of Object.entries({
        scaling_boost_frequencies: "3400000 3200000 3000000 \n",
        scaling_available_frequencies: "2400000 2000000 \n",
        cpuinfo_max_freq: "3400000\n",
        scaling_max_freq: "3400000\n",
      })) {
        writeFileSync(lab.path(cpu, file), text);
      }
    }
    lab.start(operator({ type: "workload", workload: "medium", turbo }));
    const domain = lab.host.cpufreq.domainById(domainId(3));
    if (domain === undefined) throw new Error("policy3 is not there");
    expect([domain.table.steps.length, domain.table.nominal]).toEqual([5, 3]);
    await lab.guest("vm1.0");
    await until("the daemon's policy is in force", () => lab.speed(3) === khz);
    const dry = simulate({
      policy: { ...workload("medium"), turbo },
      cpus: [pcpu(3)],
      domains: [domain],
      from: 0,
      to: 1,
    });
    expect(dry.ok && dry.value.changes.map((change) => Number(change.khz))).toEqual([khz]);
  },
);
