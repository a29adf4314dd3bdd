// The report on whole machines, and what becomes of it when a part is broken or logind knows better.

import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { readHostCapabilities } from "../../../internal/power/capabilities/capabilities.ts";
import { libvirtView } from "../../../internal/power/capabilities/libvirt-view.ts";
import type { Logind } from "../../../internal/power/sleep/logind.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { capabilitiesText } from "../../../internal/output/capabilities-text.ts";
import { machine } from "../../sysfs/machine.ts";

const target = (report: ReturnType<typeof readHostCapabilities>, name: string) =>
  report.sleep?.targets.find((one) => one.target === name);

test("readHostCapabilities() says of each thing on an Intel server that it can be controlled", () => {
  const { roots } = machine("intel-server-8cpu");
  const report = readHostCapabilities(roots, "x86_64");
  expect(report.problems).toEqual([]);
  expect(report.sleep?.targets.map((one) => [one.target, one.controllable])).toEqual([
    ["mem", true],
    ["disk", true],
    ["hybrid", true],
    ["freeze", true],
  ]);
  expect(report.sleep?.wakeClock).toEqual({ controllable: true, name: "rtc0" });
  expect(report.cpufreq?.boost).toMatchObject({
    controllable: true,
    on: true,
    files: ["intel_pstate/no_turbo"],
  });
  expect(report.cpufreq?.smt).toMatchObject({ controllable: false, active: true });
  expect(report.cpufreq?.domains[3]).toMatchObject({
    cpus: [3],
    driver: "intel_pstate",
    baseKhz: 2_400_000,
    epp: { controllable: true, current: "balance_performance" },
  });
  expect(report.cpuidle?.states.map((state) => [state.name, state.cpus, state.usage])).toEqual([
    ["POLL", "0-7", 800],
    ["C1", "0-7", 1600],
    ["C1E", "0-7", 2400],
    ["C6", "0-7", 3200],
  ]);
  expect(report.epb).toEqual({ controllable: true, values: [{ cpus: "0-7", epb: 6 }] });
  expect(report.uncore).toHaveLength(2);
  expect(report.powercap?.map((zone) => [zone.name, zone.controllable, zone.energyUj])).toEqual([
    ["package-0", false, 125_000_000],
    ["core", false, 61_000_000],
    ["dram", false, 9_000_000],
    ["package-1", false, 262_143_000_000],
  ]);
  expect(report.topology?.isolated).toEqual([2, 3, 6, 7] as never);
});

test("readHostCapabilities() gives a reason for everything that can't be controlled", () => {
  for (const name of [
    "acpi-cpufreq-4cpu-independent",
    "amd-server-4cpu",
    "arm64-server-4cpu",
    "cppc-cpufreq-4cpu",
  ]) {
    const text = JSON.stringify(readHostCapabilities(machine(name).roots, "x"));
    const reasonless = JSON.parse(text, (_, part: unknown) => {
      if (typeof part === "object" && part !== null && "controllable" in part)
        expect(part.controllable === true || ("why" in part && part.why !== "")).toBe(true);
      return part;
    });
    expect(reasonless).toHaveProperty("sleep");
  }
});

test("readHostCapabilities() names the kernel's lack when there is no hibernation, clock or turbo", () => {
  const { roots } = machine("amd-server-4cpu");
  const report = readHostCapabilities(roots, "x86_64");
  expect(target(report, "disk")).toMatchObject({
    supported: false,
    why: 'the kernel offers no "disk": its power/state says freeze mem',
  });
  expect(report.sleep?.wakeClock.controllable).toBe(false);
  const acpi = readHostCapabilities(machine("acpi-cpufreq-4cpu-independent").roots, "x86_64");
  expect(acpi.cpufreq?.boost).toMatchObject({ supported: false, controllable: false });
});

test.each(["field-epyc9654-epp-no-boost-file", "acpi-cpufreq-2cpu-turbo"])(
  "readHostCapabilities() of %s blames neither processor nor firmware for a switch that the driver lacks",
  (name) => {
    const { roots, path } = machine(name);
    rmSync(path("cpufreq/boost"), { force: true });
    expect(readHostCapabilities(roots, "x86_64").cpufreq?.boost).toEqual({
      supported: true,
      on: true,
      files: [],
      controllable: false,
      why: "the driver, in this kernel, has no switch of turbo",
    });
  },
);

test.each([
  ["intel_pstate/no_turbo", "1", "fpu arat", "the firmware has turned turbo off, or the CPU has none"],
  ["intel_pstate/no_turbo", "1", "fpu ida", undefined],
  ["intel_pstate/no_turbo", "0", "fpu arat", undefined],
])(
  "readHostCapabilities() with %s at %s and flags %p says of turbo why not: %p",
  (file, text, flags, why) => {
    const { roots, put } = machine("intel-server-8cpu");
    put(file, text);
    writeFileSync(`${roots.procRoot}/cpuinfo`, `flags\t\t: ${flags}\n`);
    const boost = readHostCapabilities(roots, "x86_64").cpufreq?.boost;
    expect(boost).toMatchObject({ supported: true, controllable: why === undefined });
    expect(boost?.why).toBe(why);
  },
);

testNeeding(
  ["root and FUSE"],
  "readHostCapabilities() tells an EPP without a word, and one that is held",
  async () => {
    const at = await mountMachine("amd-pstate-epp-powersave-6.12");
    at.setRawEpp(1, 64);
    const epp = readHostCapabilities(at.roots, "x86_64").cpufreq?.domains.map((one) => one.epp);
    expect(epp?.map((one) => [one?.current, one?.controllable])).toEqual([
      ["performance", true],
      ["unknown", true],
    ]);
    const mtl = await mountMachine("intel_pstate-mtl");
    mtl.write("cpufreq/policy0/scaling_governor", "performance");
    expect(readHostCapabilities(mtl.roots, "x86_64").cpufreq?.domains[0]?.epp).toMatchObject({
      controllable: false,
      why: "governor performance holds it",
    });
  },
);

test("readHostCapabilities() calls a hibernation without swap supported and not controllable", () => {
  const { roots, tree } = machine("intel-server-8cpu");
  rmSync(`${tree.proc}/swaps`);
  expect(target(readHostCapabilities(roots, "x86_64"), "disk")).toMatchObject({
    supported: true,
    controllable: false,
    why: "there is no free swap for the memory's image",
  });
});

test("readHostCapabilities() takes logind's word over the kernel's files", () => {
  const { roots } = machine("intel-server-8cpu");
  const logind: Logind = { can: { mem: "no", disk: "na", hybrid: "challenge" }, inhibitors: [] };
  const report = readHostCapabilities(roots, "x86_64", logind);
  expect(target(report, "mem")).toMatchObject({ supported: true, controllable: false, logind: "no" });
  expect(target(report, "disk")).toMatchObject({ controllable: false, logind: "na" });
  expect(target(report, "hybrid")).toMatchObject({ controllable: true });
  expect(libvirtView(report).sleep).toEqual({ mem: false, disk: false, hybrid: true, s3: false, s4: false });
});

test("readHostCapabilities() loses one part only when one file is broken", () => {
  const { roots, put } = machine("intel-server-8cpu");
  put("intel_uncore_frequency/package_00_die_00/min_freq_khz", "slow");
  put("cpufreq/policy5/cpuinfo_max_freq", "fast");
  const report = readHostCapabilities(roots, "x86_64");
  expect(report.uncore).toBeUndefined();
  expect(report.problems).toHaveLength(1);
  expect(report.problems[0]).toContain("min_freq_khz");
  expect(report.cpufreq?.domains.filter((one) => !one.controllable).map((one) => one.domain)).toEqual([
    5,
  ] as never);
  expect(report.sleep?.targets).toHaveLength(4);
});

test("libvirtView() has no S3 on a host whose mem only idles", () => {
  const report = readHostCapabilities(machine("amd-server-4cpu").roots, "x86_64");
  expect(libvirtView(report).sleep).toEqual({ mem: true, disk: false, hybrid: false, s3: false, s4: false });
});

test("libvirtView() places CPUs in their cells", () => {
  const { cells } = libvirtView(readHostCapabilities(machine("intel-server-8cpu").roots, "x86_64"));
  expect(cells.map((cell) => cell.cpus.map((cpu) => cpu.id))).toEqual([
    [0, 1, 4, 5],
    [2, 3, 6, 7],
  ]);
  expect(cells[1]?.cpus[0]?.place).toEqual({ socket: 1, die: 0, core: 2, siblings: [2, 6] as never });
});

test.each([
  ["on", /by hand$/],
  ["off", /by hand$/],
  ["forceoff", /until the machine boots anew$/],
  ["notsupported", /^the CPUs have none/],
  ["notimplemented", /architecture$/],
  [undefined, /shows no switch/],
])(
  "readHostCapabilities() with smt/control %p does not send anybody to a switch that is not there",
  (word, why) => {
    const { roots, put, path } = machine("intel-server-8cpu");
    if (word === undefined) rmSync(path("smt"), { recursive: true });
    else put("smt/control", word);
    expect(readHostCapabilities(roots, "x86_64").cpufreq?.smt.why).toMatch(why);
  },
);

test("readHostCapabilities() says of a machine without cpufreq that it has none, of turbo too", () => {
  const { roots, path } = machine("acpi-cpufreq-4cpu-independent");
  expect(readHostCapabilities(roots, "x86_64").cpufreq?.why).toBeUndefined();
  rmSync(path("cpufreq"), { recursive: true });
  const report = readHostCapabilities(roots, "x86_64");
  expect(capabilitiesText(report)).toMatch(/^clocks +- +no +no cpufreq driver runs/m);
  expect(report.cpufreq).toMatchObject({
    domains: [],
    why: expect.stringContaining("no cpufreq driver runs"),
    boost: { supported: false, why: expect.stringContaining("no cpufreq driver runs") },
  });
});
