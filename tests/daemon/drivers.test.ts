// Guests' claims on a model of the kernel's own drivers, whose files move each other: plain files would hide what these show.

import { describe, expect, onTestFinished } from "bun:test";
import { HostPower } from "../../internal/daemon/host-power.ts";
import { restoreAll } from "../../internal/sysfs/cpufreq/originals.ts";
import { ask, frame, Lab } from "../helpers/lab.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";
import { type KernelMachine, mountMachine } from "../kernel/machine.ts";

const CONFIG = { pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 1 } } } };
const SETSPEED = ["intel_cpufreq-hwp", "amd-pstate-passive", "cppc_cpufreq", "acpi-cpufreq-boost"] as const;
const DRIVERS = ["intel_pstate-hwp", "intel_pstate-no-hwp", "amd-pstate-active", ...SETSPEED] as const;
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

describe("a CPU that is offline when the host starts", () => {
  for (const name of DRIVERS)
    testNeeding(["root and FUSE"], `${name}: is served once it is online, with no reload`, async () => {
      const at = await mountMachine(name);
      at.write("cpu1/online", 0);
      const { lab, vm1 } = await serve(at);
      expect(await ask(vm1, frame({ step: "max" }))).toBe("nack");
      expect(lab.log.filter((line) => line.startsWith("error"))).toEqual([]);
      at.write("cpu1/online", 1);
      await until("it is served", async () => (await ask(vm1, frame({ step: "max" }))) === "ack");
      expect(lab.host.cpufreq.domains.map(({ id }) => Number(id))).toEqual([0, 1]);
    });

  testNeeding(["root and FUSE"], "is found while nobody asks for it, and on reload", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    at.write("cpu1/online", 0);
    const { lab, host } = await serve(at);
    expect(host.cpufreq.domains.length).toBe(1);
    at.write("cpu1/online", 1);
    host.configure(host.config);
    expect(host.cpufreq.domains.length).toBe(2);
    at.write("cpu1/online", 0);
    await until("its going is seen", () => lab.log.join().includes("CPUs online changed"));
  });
});

describe("turbo that is switched while a guest claims it", () => {
  for (const [name, file, off, on] of SWITCHES)
    testNeeding(["root and FUSE"], `${file} of ${name}: the frequencies follow, and come back`, async () => {
      const at = await mountMachine(name);
      at.write(file, on);
      const { host, vm1 } = await serve(at);
      const target = () => Number(host.cpufreq.domains[1]?.target);
      expect(await ask(vm1, frame({ step: "turbo-on" }))).toBe("ack");
      const turbo = target();
      at.write(file, off);
      await until("turbo is gone", () => host.cpufreq.domains[1]?.hasTurbo === false);
      expect(target()).toBe(Number(at.read("cpufreq/policy1/cpuinfo_max_freq")));
      expect(target()).toBeLessThan(turbo);
      expect(await ask(vm1, frame({ step: "turbo-on" }))).toBe("nack");
      at.write(file, on);
      await until("turbo is back", () => target() === turbo);
      expect(host.upkeep.drifts).toBe(0);
      expect(host.stop()).toEqual([]);
      expect(at.read(`cpufreq/policy1/${MAX}`)).toBe(at.read("cpufreq/policy1/cpuinfo_max_freq"));
    });

  testNeeding(["root and FUSE"], "max_perf_pct: the claim is cut, and comes back whole", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    const { host, vm1 } = await serve(at);
    const target = () => Number(host.cpufreq.domains[1]?.target);
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    at.write("intel_pstate/max_perf_pct", 50);
    await until("it is cut", () => target() === 1_800_000);
    expect(at.hw(1)).toMatchObject({ min: 18, max: 18 });
    at.write("intel_pstate/max_perf_pct", 100);
    await until("it is whole", () => target() === 2_400_000);
  });
});

describe("another driver while a guest claims", () => {
  testNeeding(["root and FUSE"], "has the claim, and its own governor after", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    const { host, vm1 } = await serve(at);
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    at.write("intel_pstate/status", "passive");
    await until("it is claimed", () => at.read("cpufreq/policy1/scaling_governor") === "userspace");
    expect(at.read("cpufreq/policy1/scaling_setspeed")).toBe("2400000");
    expect(host.stop()).toEqual([]);
    expect(at.read("cpufreq/policy1/scaling_governor")).toBe("schedutil");
    expect(at.read(`cpufreq/policy1/${MAX}`)).toBe("3700000");
  });

  testNeeding(["root and FUSE"], "by a profile's mode: the claim stands in it, and after it", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    const lab = new Lab(at);
    const profile = { other: { pstate_mode: "passive", cpus: { all: { governor: "schedutil" } } } };
    const host = lab.start({ ...CONFIG, profile });
    const power = new HostPower(host, { roots: at.roots });
    power.start();
    onTestFinished(() => lab.end());
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    const name = { name: "other", cpus: undefined, dryRun: false };
    expect(power.asks.applyProfile(name)).toMatchObject({ ok: true });
    expect(at.read("intel_pstate/status")).toBe("passive");
    expect(at.read("cpufreq/policy1/scaling_governor")).toBe("userspace");
    expect(at.read("cpufreq/policy1/scaling_setspeed")).toBe("2400000");
    expect(at.read("cpufreq/policy0/scaling_governor")).toBe("schedutil");
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    expect(power.asks.verifyProfile()).toMatchObject({ value: { drift: [], held: [1] } });
    expect(power.asks.profileOff()).toMatchObject({ ok: true });
    expect(at.read("intel_pstate/status")).toBe("active");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(at.read(`cpufreq/policy1/${MAX}`)).toBe("2400000");
    expect(host.stop()).toEqual([]);
    expect(power.stop()).toEqual([]);
    expect(at.read("cpufreq/policy1/scaling_governor")).toBe("powersave");
    expect(at.read(`cpufreq/policy1/${MAX}`)).toBe("3700000");
  });

  testNeeding(["root and FUSE"], "leaves nothing of the old one's to restore after a crash", async () => {
    const at = await mountMachine("intel_pstate-hwp");
    const { vm1 } = await serve(at);
    expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
    at.write("intel_pstate/status", "passive");
    expect(restoreAll(at.roots).failed).toEqual([]);
    expect(at.read("cpufreq/policy1/scaling_governor")).toBe("schedutil");
  });
});

describe("what is said to be set again or put back was read back", () => {
  testNeeding(
    ["root and FUSE"],
    "a correction that doesn't hold is none, and one that holds late is",
    async () => {
      const at = await mountMachine("intel_pstate-hwp");
      const { lab, host, vm1 } = await serve(at);
      expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
      at.write(`cpufreq/policy1/scaling_min_freq`, 1_000_000);
      at.fault("cpufreq/policy1/scaling_min_freq", { write: "ignored" });
      await until("it is tried", () => host.upkeep.drifts > 0);
      expect([host.upkeep.corrections, lab.log.join().includes("set again, and not held")]).toEqual([
        0,
        true,
      ]);
      at.fault("cpufreq/policy1/scaling_min_freq");
      at.late(3);
      await until("it holds", () => host.upkeep.corrections === 1);
      expect(at.read("cpufreq/policy1/scaling_min_freq")).toBe("2400000");
    },
  );

  testNeeding(["root and FUSE"], "a limit or a governor that stays is not given back", async () => {
    for (const [name, file] of [
      ["intel_pstate-hwp", MAX],
      ["cppc_cpufreq", "scaling_governor"],
    ] as const) {
      const at = await mountMachine(name);
      const { host, vm1 } = await serve(at);
      expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
      at.fault(`cpufreq/policy1/${file}`, { write: "ignored" });
      expect(host.stop()).toMatchObject([{ op: "write", code: "EIO", path: expect.stringContaining(file) }]);
      at.fault(`cpufreq/policy1/${file}`);
      expect(restoreAll(at.roots)).toMatchObject({ restored: [1], failed: [] });
    }
  });

  for (const name of DRIVERS)
    for (const own of [undefined, 1_800_000])
      testNeeding(["root and FUSE"], `${name}: a busy kernel gives back limit ${own} too`, async () => {
        const at = await mountMachine(name);
        const files = ["scaling_governor", "scaling_min_freq", MAX];
        const read = () => files.map((file) => at.read(`cpufreq/policy1/${file}`));
        if (own !== undefined) at.write(`cpufreq/policy1/${MAX}`, own);
        const before = read();
        at.late(3);
        const { host, vm1 } = await serve(at);
        expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
        expect(host.stop()).toEqual([]);
        at.late(0);
        await until("the kernel has taken it over", () => read().join() === before.join());
      });
});
