// What every driver must keep, row by row of DRIVERS.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { DRIVERS, driverOf } from "../../../internal/sysfs/driver/index.ts";
import { generic } from "../../../internal/sysfs/driver/generic.ts";
import { khz } from "../../../internal/values/units.ts";
import { TREES, treeLines } from "../../helpers/tree.ts";
import { machine, value } from "../machine.ts";

const POLICY = "cpufreq/policy0";
const treeDriver = (tree: string) =>
  treeLines(tree)
    .map((line) => /policy0\/scaling_driver "(.*)\\n"$/.exec(line)?.[1])
    .find((name) => name !== undefined) ?? "";
const namesOf = (driver: (typeof DRIVERS)[number]) => driver.names.join(" and ") || "any other driver";

for (const driver of DRIVERS) {
  describe(`DRIVERS ${namesOf(driver)}`, () => {
    test("has a fixture tree for every name", () => {
      const seen = new Set(TREES.map(treeDriver).filter((name) => driverOf(name) === driver));
      if (driver === generic) expect(seen.size).toBeGreaterThan(0);
      else expect([...seen].sort()).toEqual([...driver.names].sort());
    });
  });
}

test("turbo is on from the start with the drivers where DPDK's host has it on, and their twins in the other mode", () => {
  const at = (start: boolean) =>
    DRIVERS.flatMap(({ names, turboAtStart }) => (turboAtStart === start ? names : []));
  expect(at(true)).toEqual(["acpi-cpufreq", "amd-pstate-epp", "amd-pstate", "cppc_cpufreq"]);
  expect(at(false)).toEqual(["intel_pstate", "intel_cpufreq"]);
});

for (const tree of TREES) {
  describe(`on ${tree}`, () => {
    test("every table descends from at most the hardware's greatest to its least, with nominal within", () => {
      const host = machine(tree);
      for (const { id, table, hasTurbo } of host.open().domains) {
        const limit = (end: string) => khz(Number(host.line(`cpufreq/policy${id}/cpuinfo_${end}_freq`)));
        expect(table.steps).toEqual([...new Set(table.steps)].sort((a, b) => b - a));
        // What boost alone reaches is in no table.
        if (existsSync(host.path(`cpufreq/policy${id}/scaling_boost_frequencies`)))
          expect(table.steps[0]).toBeLessThan(limit("max"));
        else expect(table.steps[0]).toBe(limit("max"));
        expect(table.steps.at(-1)).toBe(limit("min"));
        expect(table.nominal).toBeLessThan(table.steps.length);
        expect(hasTurbo).toBe(table.nominal > 0);
      }
    });

    test("what can be set lies within the operator's limits and the driver's", () => {
      for (const { allowed, range, limits } of machine(tree).open().domains) {
        expect(allowed.steps[0]).toBeLessThanOrEqual(range.max);
        expect(allowed.steps.at(-1)).toBeGreaterThanOrEqual(range.min);
        expect(range.min).toBeGreaterThanOrEqual(limits.driver.min ?? 0);
      }
    });

    test("set() lands within the limits, current() tells it, and restore() puts the first lines back", () => {
      const host = machine(tree);
      const read = () => FILES.map((name) => host.line(`${POLICY}/${name}`));
      const before = read();
      const domain = host.open().domains[0];
      if (!domain) throw new Error("no domain");
      for (const step of domain.allowed.steps) {
        expect(value(domain.set(step))).toBe(step);
        expect(value(domain.current())).toBe(step);
        expect(value(domain.drifted())).toBe(false);
        const [, min, max] = read().map(Number);
        expect(step).toBeWithin(Number(min), Number(max) + 1);
      }
      expect(read()).not.toEqual(before);
      value(domain.restore());
      expect(domain.target).toBeUndefined();
      // Files don't do what the kernel does: show "<unsupported>" again once another governor runs.
      if (before[0] !== "userspace") host.put(`${POLICY}/scaling_setspeed`, "<unsupported>");
      expect(read()).toEqual(before);
    });
  });
}

const FILES = ["scaling_governor", "scaling_min_freq", "scaling_max_freq", "scaling_setspeed"];

describe("tables", () => {
  test.each([
    ["acpi-cpufreq-2cpu-turbo", {}, [2_601_000, 2_600_000, 2_200_000, 1_800_000, 1_200_000], 1],
    ["acpi-cpufreq-2cpu-turbo", { "cpufreq/boost": "0" }, [2_600_000, 2_200_000, 1_800_000, 1_200_000], 0],
    [
      "unknown-driver-2cpu",
      { [`${POLICY}/scaling_boost_frequencies`]: "2000000 2200000" },
      [2_200_000, 2_000_000, 1_800_000, 1_200_000, 600_000],
      2,
    ],
    [
      "unknown-driver-2cpu",
      { [`${POLICY}/scaling_boost_frequencies`]: "2000000", "cpufreq/boost": "0" },
      [1_800_000, 1_200_000, 600_000],
      0,
    ],
  ])("%s with %j", (tree, files, steps, nominal) => {
    const host = machine(tree);
    for (const [file, text] of Object.entries(files)) host.put(file, text);
    expect(host.open().domains[0]?.table).toEqual({ steps: steps.map(khz), nominal });
  });

  test.each([
    ["intel-pstate-8cpu-smt", "intel_pstate/no_turbo", "1", 2_400_000],
    ["intel-cpufreq-4cpu", "intel_pstate/no_turbo", "1", 2_100_000],
    ["amd-pstate-epp-4cpu-smt", `${POLICY}/boost`, "0", 2_450_000],
    ["amd-pstate-passive-4cpu", "cpufreq/boost", "0", 2_600_000],
  ])("%s begins at its base frequency when %s says %s", (tree, file, text, base) => {
    const host = machine(tree);
    const on = host.open().domains[0];
    expect([on?.hasTurbo, on?.table.steps[1]]).toEqual([true, khz(base)]);
    host.put(file, text);
    const off = host.open().domains[0];
    expect([off?.hasTurbo, off?.table.steps[0], off?.baseKhz]).toEqual([false, khz(base), khz(base)]);
    expect(host.line(file)).toBe(text);
  });

  test("steps of a range are 100 MHz apart down to the least", () => {
    const steps = machine("amd-pstate-epp-4cpu-smt").open().domains[0]?.table.steps ?? [];
    expect(steps.slice(0, 3)).toEqual([3_700_000, 2_450_000, 2_350_000].map(khz));
    expect(steps.slice(-2)).toEqual([450_000, 400_000].map(khz));
  });
});

test("pinOf() holds min = max when a driver that wants governor userspace isn't offered it", () => {
  const host = machine("acpi-cpufreq-4cpu-independent");
  host.put(`${POLICY}/scaling_available_governors`, "performance schedutil ");
  host.put(`${POLICY}/scaling_governor`, "schedutil");
  const domain = host.open().domains[0];
  if (!domain) throw new Error("no domain");
  expect(value(domain.set(khz(1_500_000)))).toBe(khz(1_600_000));
  const [governor, min, max, speed] = FILES.map((name) => host.line(`${POLICY}/${name}`));
  expect([governor, min, max, speed]).toEqual(["schedutil", "1600000", "1600000", "1200000"]);
});
