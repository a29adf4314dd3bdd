// The order that the kernel wants, and the sets of CPUs that words mean.

import { expect, test } from "bun:test";
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readCpuSets, selectCpus } from "../../../internal/power/profiles/cpu-selector.ts";
import { DmaLatency } from "../../../internal/power/profiles/dma-latency.ts";
import { inWriteOrder } from "../../../internal/power/profiles/setting.ts";
import { err } from "../../../internal/values/result.ts";
import { domainId, pcpu } from "../../../internal/values/units.ts";
import { error, machine, value } from "../../sysfs/machine.ts";

const domain = domainId(0);

test("inWriteOrder() puts turbo first, the governor before EPP and the limits between", () => {
  const at = machine("intel-server-8cpu");
  const order = inWriteOrder(at.path(""), [
    { attribute: { knob: "epp", domain }, text: "power" },
    { attribute: { knob: "floor", domain }, text: "800000" },
    { attribute: { knob: "governor", domain }, text: "powersave" },
    { attribute: { knob: "boost", file: "intel_pstate/no_turbo" }, text: "1" },
  ]);
  expect([...order].map((one) => one.attribute.knob)).toEqual(["boost", "governor", "floor", "epp"]);
});

test.each([
  ["raised", "2000000", "1800000", ["ceiling", "floor"]],
  ["lowered", "1000000", "900000", ["floor", "ceiling"]],
] as const)("inWriteOrder() keeps floor at or below ceiling when both are %s", (_, ceiling, floor, knobs) => {
  const at = machine("acpi-cpufreq-4cpu-independent");
  at.put("cpufreq/policy1/scaling_min_freq", "1200000");
  at.put("cpufreq/policy1/scaling_max_freq", "1400000");
  const one = domainId(1);
  const order = inWriteOrder(at.path(""), [
    { attribute: { knob: "floor", domain }, text: "800000" },
    { attribute: { knob: "floor", domain: one }, text: floor },
    { attribute: { knob: "ceiling", domain: one }, text: ceiling },
  ]);
  const knobsOfOne = [...order].flatMap(({ attribute }) =>
    "domain" in attribute && attribute.domain === one ? [attribute.knob] : [],
  );
  expect(knobsOfOne).toEqual([...knobs]);
});

test("inWriteOrder() judges a ceiling by what stands when its turn comes, not by what stood before", () => {
  const at = machine("intel-server-8cpu");
  const order = inWriteOrder(at.path(""), [
    { attribute: { knob: "boost", file: "intel_pstate/no_turbo" }, text: "0" },
    { attribute: { knob: "floor", domain }, text: "2000000" },
    { attribute: { knob: "ceiling", domain }, text: "2400000" },
  ]);
  expect(order.next().value?.attribute.knob).toBe("boost");
  at.put("cpufreq/policy0/scaling_max_freq", "1800000");
  expect([...order].map((one) => one.attribute.knob)).toEqual(["ceiling", "floor"]);
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
