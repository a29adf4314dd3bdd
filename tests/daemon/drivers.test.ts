// Guests' claims on a model of the kernel's own drivers, whose files move each other: plain files would hide what these show.

import { describe, expect, onTestFinished } from "bun:test";
import { restoreAll } from "../../internal/sysfs/cpufreq/originals.ts";
import { ask, frame, Lab } from "../helpers/lab.ts";
import { testNeeding } from "../helpers/needing.ts";
import { type KernelMachine, mountMachine } from "../kernel/machine.ts";

const CONFIG = { pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 1 } } } };
const MAX = "scaling_max_freq";

/** Serves vm1, whose vCPU 0 runs on CPU 1. */
async function serve(at: KernelMachine) {
  const lab = new Lab(at);
  const host = lab.start(CONFIG);
  onTestFinished(() => lab.end());
  const vm1 = await lab.guest("vm1.0");
  return { lab, host, vm1 };
}

/** Switches of turbo by the drivers they are of: the file, off, on. */
const SWITCHES = [
  ["intel_pstate-hwp", "intel_pstate/no_turbo", 1, 0],
  ["intel_pstate-no-hwp", "intel_pstate/no_turbo", 1, 0],
  ["intel_cpufreq-hwp", "intel_pstate/no_turbo", 1, 0],
  ["amd-pstate-active", "cpufreq/boost", 0, 1],
  ["amd-pstate-active", "cpufreq/policy1/boost", 0, 1],
  ["amd-pstate-guided", "cpufreq/boost", 0, 1],
  ["amd-pstate-passive", "cpufreq/boost", 0, 1],
  ["amd-pstate-active-6.16", "cpufreq/boost", 0, 1],
  ["cppc_cpufreq", "cpufreq/boost", 0, 1],
] as const;

describe("a claim under turbo that is off for now", () => {
  for (const [machine, file, off, on] of SWITCHES) {
    testNeeding(["root and FUSE"], `leaves no limit behind when ${file} of ${machine} comes on`, async () => {
      const at = await mountMachine(machine);
      const freqs = () => at.read(`cpufreq/policy1/${MAX}`);
      at.write(file, on);
      const top = freqs();
      at.write(file, off);
      const { host, vm1 } = await serve(at);
      expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
      expect(host.stop()).toEqual([]);
      expect(Number(freqs())).toBeLessThan(Number(top));
      at.write(file, on);
      expect([freqs(), at.read(`cpufreq/policy1/cpuinfo_max_freq`)]).toEqual([top, top]);
    });

    testNeeding(["root and FUSE"], `${file} of ${machine} comes on: restore after a crash`, async () => {
      const at = await mountMachine(machine);
      at.write(file, on);
      const top = at.read(`cpufreq/policy1/${MAX}`);
      at.write(file, off);
      const { vm1 } = await serve(at);
      expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
      // What a daemon that was killed leaves.
      expect(restoreAll(at.roots).restored).toEqual([1] as never);
      at.write(file, on);
      expect(at.read(`cpufreq/policy1/${MAX}`)).toBe(top);
    });
  }

  testNeeding(["root and FUSE"], "leaves the operator's own limit as it was", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    at.write(`cpufreq/policy1/${MAX}`, 2_000_000);
    at.write("cpufreq/policy1/scaling_min_freq", 1_000_000);
    const { host, vm1 } = await serve(at);
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(at.read("cpufreq/policy1/scaling_min_freq")).toBe("2000000");
    host.stop();
    expect(at.read(`cpufreq/policy1/${MAX}`)).toBe("2000000");
    expect(at.read("cpufreq/policy1/scaling_min_freq")).toBe("1000000");
  });
});

/** The processor's highest and lowest as ratios of what CPU 0, which nobody claims, may have and what CPU 1 has. */
const asked = (at: KernelMachine) => [at.hw(0)?.min, at.hw(0)?.max, at.hw(1)?.min, at.hw(1)?.max] as number[];

describe("a guest stays within what the driver is told for all CPUs", () => {
  for (const name of ["intel_pstate-hwp", "intel_pstate-no-hwp", "intel_cpufreq-hwp"] as const) {
    testNeeding(["root and FUSE"], `${name}: max_perf_pct and min_perf_pct`, async () => {
      const at = await mountMachine(name);
      at.write("intel_pstate/max_perf_pct", 50);
      at.write("intel_pstate/min_perf_pct", 40);
      const { host, vm1 } = await serve(at);
      const before = ["min", "max"].map((end) => at.read(`cpufreq/policy1/scaling_${end}_freq`));
      for (const step of ["max", "turbo-on", "min", "up"] as const) {
        expect(await ask(vm1, frame({ step }))).toBe("ack");
        const [least = 0, most = 0, min = 0, max = 0] = asked(at);
        expect(max).toBeLessThanOrEqual(most);
        expect(min).toBeGreaterThanOrEqual(Math.min(least, 15));
      }
      expect(host.cpufreq.domains[1]?.target).toBe(1_600_000 as never);
      expect(host.stop()).toEqual([]);
      at.write("intel_pstate/max_perf_pct", 100);
      at.write("intel_pstate/min_perf_pct", 0);
      // In passive mode they showed as limits, and went with the per cent.
      if (name === "intel_cpufreq-hwp")
        expect(at.read(`cpufreq/policy1/${MAX}`)).toBe(at.read(`cpufreq/policy0/${MAX}`));
      else
        expect(["min", "max"].map((end) => at.read(`cpufreq/policy1/scaling_${end}_freq`))).toEqual(before);
    });
  }

  testNeeding(["root and FUSE"], "keeps an operator's limit that lies above the per cent", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    at.write("intel_pstate/max_perf_pct", 50);
    at.write(`cpufreq/policy1/${MAX}`, 2_000_000);
    const { host, vm1 } = await serve(at);
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    host.stop();
    expect(at.read(`cpufreq/policy1/${MAX}`)).toBe("2000000");
  });
});

describe("steps start from what is held", () => {
  for (const name of ["amd-pstate-active-6.16", "amd-pstate-passive-6.16", "intel_pstate-hwp"] as const) {
    testNeeding(["root and FUSE"], `${name}: each step up from a raised minimum moves`, async () => {
      const at = await mountMachine(name);
      for (const policy of [0, 1]) at.write(`cpufreq/policy${policy}/scaling_min_freq`, 1_500_000);
      const { host, vm1 } = await serve(at);
      const told = async (step: "min" | "up" | "down") => {
        expect(await ask(vm1, frame({ step }))).toBe("ack");
        return Number(host.cpufreq.domains[1]?.target);
      };
      expect(await told("min")).toBe(1_500_000);
      const [first, second] = [await told("up"), await told("up")];
      expect(first).toBeGreaterThan(1_500_000);
      expect(second - first).toBe(100_000);
      expect(await told("down")).toBe(first);
      expect(await told("down")).toBe(1_500_000);
    });
  }

  testNeeding(["root and FUSE"], "and each step down from a lowered maximum", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    at.write(`cpufreq/policy1/${MAX}`, 2_050_000);
    const { host, vm1 } = await serve(at);
    for (const [step, khz] of [
      ["max", 2_050_000],
      ["down", 2_000_000],
      ["turbo-on", 2_050_000],
    ] as const) {
      expect(await ask(vm1, frame({ step }))).toBe("ack");
      expect(host.cpufreq.domains[1]?.target).toBe(khz as never);
    }
  });
});
