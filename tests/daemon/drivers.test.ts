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
