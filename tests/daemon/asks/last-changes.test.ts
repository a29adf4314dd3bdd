import { afterEach, beforeEach, expect, test } from "bun:test";
import { lastChanges } from "../../../internal/daemon/asks/last-changes.ts";
import { ask, frame, Lab } from "../../helpers/lab.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const told = () => lastChanges(lab.host).map(({ what, who, vm }) => [what, who, vm]);

test("lastChanges() tells the last change of each clock and setting, newest first, and who made it", async () => {
  const asks = lab.asks();
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "min" }));
  expect(
    asks.changeVm({ vm: "vm1", ceiling: 1_800_000, save: false, dryRun: false }, undefined, "anna").ok,
  ).toBe(true);
  for (let n = 0; n < 3; n++) for (const step of ["min", "max"] as const) await ask(vm1, frame({ step }));
  expect(asks.setFreq({ cpus: [3], target: "max" }, undefined, "anna").ok).toBe(true);
  const rule = { type: "workload", workload: "low" } as const;
  expect(lab.host.policies.set({ vm: "vm1" }, "operator", { rule, vcpus: [0], turbo: false }).ok).toBe(true);
  expect(told()).toEqual([
    ["CPU 2 set to 0.80 GHz", "vm1 vCPU 0 by policy", "vm1"],
    ["CPU 3 set to 2.60 GHz", "anna", undefined],
    ["vm1: ceiling 1800000", "anna", "vm1"],
  ]);
  expect(asks.releaseFreq({ cpus: [3] }).ok).toBe(true);
  expect(told()[0]).toEqual(["CPU 3 given back, nobody claims it", "powermon", undefined]);
  asks.reload();
  const signal = "a signal, or settings that a VM brings along";
  expect(told()[0]).toEqual(["another configuration in force", signal, undefined]);
  asks.reload({}, undefined, "bert");
  expect(told()[0]).toEqual(["another configuration in force", "bert", undefined]);
  vm1.quit();
});

test("lastChanges() tells no more than thirty, however much is kept", () => {
  lab.start();
  for (let domain = 0; domain < 200; domain++)
    lab.host.events.emit("drift", { domain, khz: 1_000_000, reapplied: true });
  expect(told()).toHaveLength(30);
  expect(told()[0]).toEqual(["clock 199 changed from outside, set again", "another program", undefined]);
});

test("lastChanges() leaves out what changes nothing, and tells nothing where nothing happened", async () => {
  lab.start();
  expect(told()).toEqual([]);
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max", vcpu: 9 }));
  expect(told()).toEqual([]);
});

test("lastChanges() tells who set the budget and the profile, and what did where nobody asked", async () => {
  const asks = lab.asks({ budget: { watts: 110 } });
  asks.reload({}, undefined, "anna");
  expect(told()[0]).toEqual(["power budget 110 W", "the configuration", undefined]);
  asks.setBudget({ watts: 90 }, undefined, "anna");
  expect(told()[0]).toEqual(["power budget 90 W", "anna", undefined]);
  asks.setBudget({ watts: 0 }, undefined, "bert");
  expect(told()[0]).toEqual(["no power budget", "bert", undefined]);
  lab.host.events.emit("budget-changed", { watts: 70, origin: "fleet" });
  expect(told()[0]).toEqual(["power budget 70 W", "the fleet", undefined]);
  expect(
    (await asks.applyProfile({ name: "performance", cpus: undefined, dryRun: false }, undefined, "anna")).ok,
  ).toBe(true);
  expect(told()[0]).toEqual(["profile performance in force", "anna", undefined]);
  expect((await asks.applyProfile({ name: "performance", cpus: undefined, dryRun: false })).ok).toBe(true);
  expect(told()[0]).toEqual(["profile performance in force", "the schedule", undefined]);
});
