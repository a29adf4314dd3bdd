// Turbo comes first: it moves what clocks can be set to, each of its switches has a state of its own, and some can't be moved.

import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { explainProfile } from "../../../internal/power/profiles/outcome.ts";
import { restoreProfile } from "../../../internal/power/profiles/off.ts";
import { loadProfile } from "../../../internal/power/profiles/store.ts";
import { verifyProfile } from "../../../internal/power/profiles/verify.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { type KernelMachine, mountMachine } from "../../kernel/machine.ts";
import { error, value } from "../../sysfs/machine.ts";
import { changed } from "../snapshot.ts";
import { applyTo, builtIn, own, readings } from "./coupled.ts";

const MAX = "cpufreq/policy0/scaling_max_freq";
const NEEDS = ["root and FUSE"] as const;
const boosts = ({ read }: KernelMachine) =>
  ["cpufreq/boost", "cpufreq/policy0/boost", "cpufreq/policy1/boost"].map(read).join(" ");

for (const [name, top] of [
  ["intel_pstate-hwp", "3700000"],
  ["cppc_cpufreq", "4316000"],
  ["amd-pstate-active", "4313000"],
] as const)
  testNeeding(
    NEEDS,
    `applyProfile() of performance after powersave goes up to turbo on ${name}`,
    async () => {
      const machine = await mountMachine(name);
      value(applyTo(machine, builtIn("powersave")));
      expect(machine.read(MAX)).not.toBe(top);
      value(applyTo(machine, builtIn("performance")));
      expect(machine.read(MAX)).toBe(top);
      expect(value(verifyProfile(machine.roots)).drift).toEqual([]);
    },
  );

testNeeding(
  NEEDS,
  "applyProfile() judges a clock by what turbo gives, not by what stood before it",
  async () => {
    const machine = await mountMachine("intel_pstate-hwp");
    machine.write("intel_pstate/no_turbo", 1);
    const before = readings(machine);
    const rules = [{ cpus: "all", floor: 2_600_000, ceiling: 3_000_000 }];
    expect(error(applyTo(machine, own({ rules }))).kind).toBe("impossible");
    value(applyTo(machine, own({ boost: true, rules })));
    expect([machine.read("cpufreq/policy1/scaling_min_freq"), machine.read(MAX)]).toEqual([
      "2600000",
      "3000000",
    ]);
    expect(restoreProfile(machine.roots).failed).toEqual([]);
    expect(changed(before, readings(machine))).toEqual([]);
    const past = [{ cpus: "all", ceiling: 9_000_000 }];
    const refusal = error(applyTo(machine, own({ boost: true, rules: past })));
    expect(explainProfile(refusal).join()).toContain("800000-9000000 kHz is no range within 800000-3700000");
    expect(changed(before, readings(machine))).toEqual([]);
  },
);

testNeeding(
  NEEDS,
  "applyProfile() judges a clock by turbo that goes back with the profile before",
  async () => {
    const machine = await mountMachine("intel_pstate-hwp");
    value(applyTo(machine, builtIn("powersave")));
    value(applyTo(machine, own({ rules: [{ cpus: "all", ceiling: 3_000_000 }] })));
    expect([machine.read("intel_pstate/no_turbo"), machine.read(MAX)]).toEqual(["0", "3000000"]);
  },
);

for (const [name, code] of [
  ["intel_pstate-turbo-off", "EPERM"],
  ["amd-pstate-active-no-cpb", "EINVAL"],
] as const) {
  testNeeding(NEEDS, `applyProfile() leaves turbo out where ${name} forbids it, and says why`, async () => {
    const machine = await mountMachine(name);
    const before = readings(machine);
    for (const profile of ["performance", "balanced"]) {
      const { left } = value(applyTo(machine, builtIn(profile)));
      expect(left.filter(({ knob }) => knob === "boost")).toEqual([
        {
          knob: "boost",
          where: "machine",
          why: `the firmware has turned turbo off, or the CPU has none (${code})`,
        },
      ]);
      expect(value(verifyProfile(machine.roots)).drift).toEqual([]);
    }
    expect(restoreProfile(machine.roots).failed).toEqual([]);
    expect(changed(before, readings(machine))).toEqual([]);
  });

  testNeeding(
    NEEDS,
    `applyProfile() refuses a profile that insists on turbo where ${name} forbids it`,
    async () => {
      const machine = await mountMachine(name);
      const before = readings(machine);
      const insisting = { ...builtIn("performance"), missing: "refuse" } as const;
      const refusal = error(
        applyTo(machine, own({ ...insisting, rules: [{ cpus: "all", ceiling: "max" }] })),
      );
      expect(refusal.kind).toBe("unsupported");
      expect(explainProfile(refusal).join()).toContain("the firmware has turned turbo off");
      expect(changed(before, readings(machine))).toEqual([]);
      expect(value(loadProfile(machine.roots)).state).toBe("none");
    },
  );
}

testNeeding(
  NEEDS,
  "applyProfile() leaves out a switch of turbo that takes a write and does nothing",
  async () => {
    const machine = await mountMachine("acpi-cpufreq-boost");
    machine.write("cpufreq/boost", 0);
    machine.fault("cpufreq/boost", { write: "ignored" });
    const { left } = value(applyTo(machine, builtIn("performance")));
    expect(left.map(({ knob, why }) => `${knob}: ${why}`)).toContain(
      "boost: the firmware has turned turbo off, or the CPU has none (the kernel holds 0)",
    );
  },
);

testNeeding(NEEDS, "applyProfile() in a dry run doubts turbo that the processor does not name", async () => {
  const machine = await mountMachine("intel_pstate-turbo-off");
  writeFileSync(`${machine.proc}/cpuinfo`, "flags\t\t: fpu tsc aperfmperf\n");
  const { left } = value(applyTo(machine, builtIn("performance"), true));
  expect(left.map(({ why }) => why).join()).toContain("says /proc/cpuinfo; it is tried");
  writeFileSync(`${machine.proc}/cpuinfo`, "flags\t\t: fpu tsc ida\n");
  expect(value(applyTo(machine, builtIn("performance"), true)).left.map(({ knob }) => knob)).toEqual([
    "epb",
    "epb",
  ]);
});

for (const name of ["acpi-cpufreq-boost", "amd-pstate-active"])
  testNeeding(
    NEEDS,
    `applyProfile() sets each domain's own turbo on ${name}, and each goes back`,
    async () => {
      const machine = await mountMachine(name);
      machine.write("cpufreq/policy1/boost", 0);
      const before = readings(machine);
      value(applyTo(machine, builtIn("performance")));
      expect(boosts(machine)).toBe("1 1 1");
      value(applyTo(machine, builtIn("powersave")));
      expect(boosts(machine)).toBe("0 0 0");
      expect(value(verifyProfile(machine.roots)).drift).toEqual([]);
      expect(restoreProfile(machine.roots).failed).toEqual([]);
      expect(boosts(machine)).toBe("1 1 0");
      expect(changed(before, readings(machine))).toEqual([]);
      machine.write("cpufreq/boost", 0);
      value(applyTo(machine, builtIn("performance")));
      expect(boosts(machine)).toBe("1 1 1");
      expect(restoreProfile(machine.roots).failed).toEqual([]);
      expect(boosts(machine)).toBe("0 0 0");
    },
  );
