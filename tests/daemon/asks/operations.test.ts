import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { loadConfig } from "../../../internal/config/load.ts";
import type { Operations } from "../../../internal/api/operations.ts";
import type { Happening } from "../../../internal/events.ts";
import { HostOperations } from "../../../internal/daemon/asks/operations.ts";
import { PowerOperations } from "../../../internal/daemon/asks/power.ts";
import { ask, frame, Lab, STATIC } from "../../helpers/lab.ts";
import { until } from "../../helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

function start(says: object = STATIC): HostOperations {
  const host = lab.start(says);
  const operations = new HostOperations(host, {
    version: "1.2.3",
    power: new PowerOperations(host, { roots: lab.roots }),
    procRoot: lab.tree.proc,
    dropInDir: lab.dropIns,
    pinByLibvirt: () => Promise.resolve(undefined),
    load: (runtime) => lab.load(says, runtime),
  });
  // What the control server is given.
  operations satisfies Operations;
  return operations;
}

const value = <T>(answer: { ok: true; value: T } | { ok: false; error: { message: string } }): T => {
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
};
const message = (answer: { ok: boolean; error?: { code: string; message: string } }) =>
  `${answer.error?.code}: ${answer.error?.message}`;

describe("HostOperations", () => {
  test("status() counts VMs, channels, claims and what was asked", async () => {
    const operations = start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    await ask(vm1, frame({ step: "max", vcpu: 7 }));
    expect(operations.status()).toMatchObject({
      version: "1.2.3",
      domains: 4,
      drivers: ["acpi-cpufreq"],
      vms: 1,
      channels: { total: 1, connected: 1 },
      claims: 1,
      counts: { received: 2, done: 1, refused: 1 },
    });
  });

  test("vm() shows places, wishes, refusals and where each setting came from", async () => {
    const operations = start({ ...STATIC, "vm-defaults": { ceiling: "base" } });
    const vm1 = await lab.guest("vm1.1");
    await ask(vm1, frame({ step: "min", vcpu: 1 }));
    await ask(vm1, frame({ step: "turbo-on", vcpu: 1 }));
    const report = value(operations.vm("vm1"));
    expect(report.settings.queries).toEqual({ value: true, from: "flags" });
    expect(report.settings.floor).toEqual({ value: "min", from: "default" });
    expect(report.vcpus[1] as object).toMatchObject({
      vcpu: 1,
      pcpus: [3],
      source: "static",
      wishKhz: 800000,
      targetKhz: 800000,
    });
    expect(report.vcpus[1]?.lastRefusal?.message).toContain("no turbo frequencies");
    expect(message(operations.vm("vm9"))).toContain('not-found: There is no VM "vm9"; there are vm1');
  });

  test("changeVm() applies limits at once and to what stands", async () => {
    const operations = start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    value(operations.changeVm("vm1", { ceiling: 1500000 }, false));
    expect(lab.speed(2)).toBe(1400000);
    const report = value(operations.changeVm("vm1", { requestsPerSecond: 1, burst: 1 }, false));
    expect(report.settings.ceiling as object).toEqual({ value: 1500000, from: "runtime" });
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    expect(await ask(vm1, frame({ step: "min" }))).toBe("nack");
    expect(message(operations.changeVm("vm1", { floor: 2000000 }, false))).toContain("floor");
    expect(value(operations.vm("vm1")).settings.floor.value).toBe("min");
  });

  test("changeVm() with save writes a drop-in that the next start reads", async () => {
    const operations = start();
    await lab.guest("vm1.0");
    const report = value(operations.changeVm("vm1", { turbo: false, floor: "base" }, true));
    expect(report.settings.turbo.value).toBe(false);
    expect(report.settings.turbo.from).toStartWith(lab.dropIns);
    expect(readFileSync(`${lab.dropIns}/saved.toml`, "utf8")).toContain("turbo = false");
    const again = loadConfig(undefined, lab.dropIns);
    expect(again.ok && (again.value.says.vm?.["vm1"] as unknown)).toEqual({ turbo: false, floor: "base" });
  });

  test("changeVm() with save leaves what was changed without it", async () => {
    const operations = start();
    await lab.guest("vm1.0");
    value(operations.changeVm("vm1", { queries: false, requestsPerSecond: 7, burst: 3 }, false));
    const { settings } = value(operations.changeVm("vm1", { ceiling: "base", burst: 5 }, true));
    expect(settings.queries).toEqual({ value: false, from: "runtime" });
    expect(settings.requestsPerSecond).toEqual({ value: 7, from: "runtime" });
    expect(settings.burst.value).toBe(5);
    expect(settings.burst.from).toStartWith(lab.dropIns);
    expect(settings.ceiling.from).toStartWith(lab.dropIns);
  });

  test("setFreq() holds against guests until releaseFreq()", async () => {
    const operations = start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    expect(value(operations.setFreq([2], 1300000))[0]).toMatchObject({
      cpu: 2,
      targetKhz: 1400000,
      operatorClaim: true,
    });
    await ask(vm1, frame({ step: "max" }));
    expect(lab.speed(2)).toBe(1400000);
    value(operations.setFreq([2], "up"));
    expect(lab.speed(2)).toBe(1600000);
    value(operations.releaseFreq("all"));
    expect(lab.speed(2)).toBe(2600000);
    expect(message(operations.setFreq([2, 9], "max"))).toContain("not-found: CPU 9");
    expect(message(operations.setFreq([2], "turbo-on"))).toContain("unsupported");
  });

  test("explain() names the winner, the limit that clips and the last refusal", async () => {
    const operations = start({ ...STATIC, limits: { "2": { ceiling: 2000000 } } });
    const vm1 = await lab.guest("vm1.0");
    const vm2 = await lab.guest("vm2.0");
    const idle = value(operations.explain(2));
    expect(idle.why).toEqual(['Nobody claims CPU 2: powermon leaves it to its governor "userspace".']);
    await ask(vm1, frame({ step: "max" }));
    await ask(vm2, frame({ step: "min" }));
    await ask(vm2, frame({ step: "min", vmName: "vm1" }));
    const report = value(operations.explain(2));
    expect(report.winner).toMatchObject({ by: "guest", vm: "vm1", wishKhz: 2600000 });
    expect(report.clippedBy).toBe("site");
    expect(report.targetKhz).toBe(2000000);
    expect(report.why.join(" ")).toContain('vCPU 0 of VM "vm1" wishes 2600000 kHz');
    expect(report.why.join(" ")).toContain("highest of 2 wishes");
    expect(report.lastRefusals[0]?.message).toContain("calls itself");
    expect(message(operations.explain(77))).toContain("not-found: CPU 77");
  });

  test("channels can be disabled, removed and taken up again", async () => {
    const operations = start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    value(operations.enableChannels("vm1", [0], false));
    vm1.send(frame({ step: "min" }));
    await until("it was ignored", () => operations.channels()[0]?.counts.ignored === 1);
    expect(lab.speed(2)).toBe(2600000);
    expect(vm1.received.length).toBe(0);
    value(operations.removeChannels("vm1", "all"));
    await until("it is closed", () => !vm1.connected);
    expect(operations.channels()).toEqual([]);
    value(operations.addChannels("vm1", [0]));
    await vm1.hosted();
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    expect(message(operations.addChannels("vm1", [0, 5]))).toContain("its sockets are: 0");
    value(operations.removeVm("vm1"));
    await until("its channels are closed", () => !vm1.connected);
    value(operations.addVm("vm1"));
    await vm1.hosted();
    expect(message(operations.addVm("vm9"))).toContain("has no socket");
  });

  test("reload() keeps the old configuration when the new one is bad", async () => {
    let good = true;
    const host = lab.start();
    const operations = new HostOperations(host, {
      version: "1",
      power: new PowerOperations(host, { roots: lab.roots }),
      procRoot: lab.tree.proc,
      dropInDir: lab.dropIns,
      pinByLibvirt: () => Promise.resolve(undefined),
      load: (runtime) =>
        good
          ? lab.load({ ...STATIC, "vm-defaults": { ceiling: 1400000 } }, runtime)
          : { ok: false, error: [{ file: "x.toml", key: "floor", wrong: "is 7", right: "Write kHz." }] },
    });
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    good = false;
    expect(message(operations.reload())).toBe("invalid: x.toml: floor is 7. Write kHz.");
    expect(lab.speed(2)).toBe(2600000);
    good = true;
    value(operations.reload());
    expect(lab.speed(2)).toBe(1400000);
  });

  test("subscribe() tells what happens until it is ended", async () => {
    const operations = start();
    const events: Happening[] = [];
    const end = operations.subscribe((event) => void events.push(event));
    const vm1 = await lab.guest("vm1.0");
    await until("the connection is told", () => events.some(({ event }) => event === "channel-connected"));
    await ask(vm1, frame({ step: "max" }));
    await ask(vm1, frame({ step: "max", vcpu: 5 }));
    expect(events.find(({ event }) => event === "frequency-set")).toMatchObject({
      policy: 2,
      khz: 2600000,
      vm: "vm1",
    });
    expect(events.find(({ event }) => event === "request-refused")).toMatchObject({
      why: "not-pinned",
      vcpu: 5,
    });
    end();
    const told = events.length;
    await ask(vm1, frame({ step: "min" }));
    expect(events.length).toBe(told);
  });

  test("pinVcpu() says when there is no thread to pin", async () => {
    const operations = start();
    await lab.guest("vm1.0");
    expect(message(await operations.pinVcpu("vm1", 0, [1]))).toContain("no thread for vCPU 0");
    expect(message(await operations.pinVcpu("vm9", 0, [1]))).toContain("not-found");
  });
});

describe("HostOperations on policies", () => {
  test("setPolicy() acts at once, is listed, beats the guest's word and ends", async () => {
    const operations = start();
    const before = lab.speed(3);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max", vcpu: 0 }));
    const [report] = value(
      operations.setPolicy("vm1", { type: "workload", workload: "low", vcpus: [0, 1] }, false),
    );
    expect(report).toMatchObject({ vm: "vm1", origin: "operator", type: "workload", inForce: true });
    expect([lab.speed(2), lab.speed(3)]).toEqual([800000, 800000]);
    expect(value(operations.explain(3)).winner).toMatchObject({ by: "policy", vm: "vm1", vcpu: 1 });
    expect(operations.policies().length).toBe(1);
    value(operations.removePolicy("vm1", false));
    expect([lab.speed(2), lab.speed(3)]).toEqual([2600000, before]);
    expect(message(operations.policy("vm1"))).toContain("not-found");
    expect(message(operations.removePolicy("vm1", false))).toContain("not-found");
  });

  test("setPolicy() names what is wrong, and refuses what can't be done here", async () => {
    const operations = start();
    await lab.guest("vm1.0");
    expect(message(operations.setPolicy("vm1", { type: "workload", wrkload: "low" }, false))).toContain(
      "workload",
    );
    expect(
      message(operations.setPolicy("vm1", { type: "workload", workload: "low", vcpus: [9] }, false)),
    ).toStartWith("refused");
  });

  test("setPolicy() with save is there after a restart", async () => {
    const operations = start();
    await lab.guest("vm1.0");
    value(operations.setPolicy("vm1", { type: "workload", workload: "low" }, true));
    const again = loadConfig(undefined, lab.dropIns);
    expect(again.ok && (again.value.says.vm?.["vm1"] as object)).toEqual({
      policy: { type: "workload", workload: "low" },
    });
    value(operations.removePolicy("vm1", true));
    const after = loadConfig(undefined, lab.dropIns);
    expect(after.ok && (after.value.says.vm?.["vm1"] as object)).toEqual({});
  });
});
