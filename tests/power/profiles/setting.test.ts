// The order that the kernel wants, and the sets of CPUs that words mean.

import { expect, test } from "bun:test";
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readCpuSets, selectCpus } from "../../../internal/power/profiles/cpu-selector.ts";
import { DmaLatency } from "../../../internal/power/profiles/dma-latency.ts";
import { inWriteOrder, type Setting } from "../../../internal/power/profiles/setting.ts";
import { err } from "../../../internal/values/result.ts";
import { pcpu } from "../../../internal/values/units.ts";
import { error, machine, value } from "../../sysfs/machine.ts";

const setting = (path: string, text: string, knob: Setting["knob"]): Setting => ({ path, text, knob });

test("inWriteOrder() puts turbo first, the governor before EPP and the limits between", () => {
  const at = machine("intel-server-8cpu");
  const order = inWriteOrder(at.path(""), [
    setting("cpufreq/policy0/energy_performance_preference", "power", "epp"),
    setting("cpufreq/policy0/scaling_min_freq", "800000", "floor"),
    setting("cpufreq/policy0/scaling_governor", "powersave", "governor"),
    setting("intel_pstate/no_turbo", "1", "boost"),
  ]);
  expect(order.map((one) => one.knob)).toEqual(["boost", "governor", "floor", "epp"]);
});

test.each([
  ["raised", "2000000", "1800000", ["ceiling", "floor"]],
  ["lowered", "1000000", "900000", ["floor", "ceiling"]],
] as const)("inWriteOrder() keeps floor at or below ceiling when both are %s", (_, ceiling, floor, knobs) => {
  const at = machine("acpi-cpufreq-4cpu-independent");
  at.put("cpufreq/policy1/scaling_min_freq", "1200000");
  at.put("cpufreq/policy1/scaling_max_freq", "1400000");
  const order = inWriteOrder(at.path(""), [
    setting("cpufreq/policy0/scaling_min_freq", "800000", "floor"),
    setting("cpufreq/policy1/scaling_min_freq", floor, "floor"),
    setting("cpufreq/policy1/scaling_max_freq", ceiling, "ceiling"),
  ]);
  expect(order.filter((one) => one.path.includes("policy1")).map((one) => one.knob)).toEqual([...knobs]);
});

test.each([
  ["all", [0, 1, 2, 3, 4, 5, 6]],
  ["isolated", [2, 3, 6]],
  ["housekeeping", [0, 1, 4, 5]],
  ["1,3-4", [1, 3, 4]],
] as const)("selectCpus() of %s are the online CPUs meant", (selector, cpus) => {
  const at = machine("intel-server-8cpu");
  at.put("online", "0-6");
  const sets = value(readCpuSets(at.roots.sysfsRoot, () => err("none")));
  expect(value(selectCpus(selector, sets))).toEqual(cpus.map(pcpu));
});

test.each([
  ["7", /CPU 7 is not online/],
  ["", /empty/],
  ["some", /nor all, isolated, housekeeping or vm:NAME/],
  ["vm:db", /^none$/],
])("selectCpus() of %p says why not", (selector, why) => {
  const at = machine("intel-server-8cpu");
  at.put("online", "0-6");
  expect(error(selectCpus(selector, value(readCpuSets(at.roots.sysfsRoot, () => err("none")))))).toMatch(why);
});

test("DmaLatency holds four bytes of microseconds, changes them and lets go", () => {
  const dir = mkdtempSync(`${tmpdir()}/latency-`);
  const file = `${dir}/cpu_dma_latency`;
  writeFileSync(file, "");
  const held = new DmaLatency(file);
  value(held.hold(250));
  expect([...readFileSync(file)]).toEqual([250, 0, 0, 0]);
  value(held.hold(0));
  expect(held.limitUs).toBe(0);
  expect([...readFileSync(file)]).toEqual([0, 0, 0, 0]);
  value(held.hold(undefined));
  expect(held.limitUs).toBeUndefined();
  rmSync(file);
  expect(error(held.hold(5)).code).toBe("ENOENT");
  rmSync(dir, { recursive: true });
});
