import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { loadConfig } from "../../../internal/config/load.ts";
import { ask, frame, Lab, STATIC } from "../../helpers/lab.ts";
import { message, value } from "../../helpers/answer.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("vm() shows places, wishes, refusals and where each setting came from", async () => {
  const asks = lab.asks({ ...STATIC, "vm-defaults": { ceiling: "base" } });
  const vm1 = await lab.guest("vm1.1");
  await ask(vm1, frame({ step: "min", vcpu: 1 }));
  await ask(vm1, frame({ step: "turbo-on", vcpu: 1 }));
  const report = value(asks.vm({ vm: "vm1" }));
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
  expect(message(asks.vm({ vm: "vm9" }))).toContain('not-found: There is no VM "vm9"; there are vm1');
});

test("changeVm() applies limits at once and to what stands", async () => {
  const asks = lab.asks();
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  value(asks.changeVm({ vm: "vm1", ceiling: 1500000, save: false }));
  expect(lab.speed(2)).toBe(1400000);
  const report = value(asks.changeVm({ vm: "vm1", requestsPerSecond: 1, burst: 1, save: false }));
  expect(report.settings.ceiling as object).toEqual({ value: 1500000, from: "runtime" });
  expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
  expect(await ask(vm1, frame({ step: "min" }))).toBe("nack");
  expect(message(asks.changeVm({ vm: "vm1", floor: 2000000, save: false }))).toContain("floor");
  expect(value(asks.vm({ vm: "vm1" })).settings.floor.value).toBe("min");
});

test("changeVm() with save writes a drop-in that the next start reads", async () => {
  const asks = lab.asks();
  await lab.guest("vm1.0");
  const report = value(asks.changeVm({ vm: "vm1", turbo: false, floor: "base", save: true }));
  expect(report.settings.turbo.value).toBe(false);
  expect(report.settings.turbo.from).toStartWith(lab.dropIns);
  expect(readFileSync(`${lab.dropIns}/saved.toml`, "utf8")).toContain("turbo = false");
  const again = loadConfig(undefined, lab.dropIns);
  expect(again.ok && (again.value.says.vm?.["vm1"] as unknown)).toEqual({ turbo: false, floor: "base" });
});

test("changeVm() with save leaves what was changed without it", async () => {
  const asks = lab.asks();
  await lab.guest("vm1.0");
  value(asks.changeVm({ vm: "vm1", queries: false, requestsPerSecond: 7, burst: 3, save: false }));
  const { settings } = value(asks.changeVm({ vm: "vm1", ceiling: "base", burst: 5, save: true }));
  expect(settings.queries).toEqual({ value: false, from: "runtime" });
  expect(settings.requestsPerSecond).toEqual({ value: 7, from: "runtime" });
  expect(settings.burst.value).toBe(5);
  expect(settings.burst.from).toStartWith(lab.dropIns);
  expect(settings.ceiling.from).toStartWith(lab.dropIns);
});

test("pinVcpu() says when there is no thread to pin", async () => {
  const asks = lab.asks();
  await lab.guest("vm1.0");
  expect(message(await asks.pinVcpu({ vm: "vm1", vcpu: 0, pcpus: [1] }))).toContain("no thread for vCPU 0");
  expect(message(await asks.pinVcpu({ vm: "vm9", vcpu: 0, pcpus: [1] }))).toContain("not-found");
  expect(message(await asks.pinVcpu({ vm: "vm1", vcpu: 0, pcpus: [1, 99] }))).toBe(
    "not-found: CPU 99 is not on this machine; it has CPUs 0-3.",
  );
});
