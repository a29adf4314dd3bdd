// A profile that follows its machine: CPUs that come, the range of all CPUs, interrupts and VMs; on the kernel's own drivers as a model.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { applyProfile } from "../../../internal/power/profiles/apply.ts";
import { readCpuSets } from "../../../internal/power/profiles/cpu-selector.ts";
import { followProfile } from "../../../internal/power/profiles/follow.ts";
import type { HostProfile } from "../../../internal/power/profiles/host-profile.ts";
import { restoreProfile } from "../../../internal/power/profiles/off.ts";
import { verifyProfile } from "../../../internal/power/profiles/verify.ts";
import type { Roots } from "../../../internal/sysfs/cpufreq/originals.ts";
import { err } from "../../../internal/values/result.ts";
import { pcpu } from "../../../internal/values/units.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { machine, value } from "../../sysfs/machine.ts";
import { changed } from "../snapshot.ts";
import { applyTo, builtIn, own, readings } from "./coupled.ts";

const setsOf = (roots: Roots, pinned: readonly number[] = []) =>
  value(
    readCpuSets(
      roots.sysfsRoot,
      () => err("none"),
      () => pinned.map(pcpu),
    ),
  );
const follow = (roots: Roots, profile: HostProfile, pinned: readonly number[] = []) =>
  followProfile(roots, profile, setsOf(roots, pinned));
const P1 = "cpufreq/policy1";

for (const name of ["intel_pstate-hwp", "amd-pstate-active", "acpi-cpufreq-boost"])
  testNeeding(
    ["root and FUSE"],
    `followProfile() gives a CPU that came its part on ${name}, and it is taken back with the rest`,
    async () => {
      const at = await mountMachine(name);
      const before = readings(at);
      at.write("cpu1/online", 0);
      value(applyTo(at, builtIn("latency")));
      expect(follow(at.roots, builtIn("latency"))).toEqual({ written: [], failed: [] });
      at.write("cpu1/online", 1);
      const dry = followProfile(at.roots, builtIn("latency"), setsOf(at.roots), { dryRun: true });
      expect(dry.written.length).toBeGreaterThan(0);
      expect(dry.written.filter(({ path }) => !path.includes("1/"))).toEqual([]);
      const plain = at.read(`${P1}/scaling_min_freq`);
      const done = follow(at.roots, builtIn("latency"));
      expect(done.failed).toEqual([]);
      expect(done.written.map(({ path }) => path)).toContain(`${P1}/scaling_min_freq`);
      expect(at.read(`${P1}/scaling_governor`)).toBe("performance");
      expect(Number(at.read(`${P1}/scaling_min_freq`))).toBeGreaterThan(Number(plain));
      expect(value(verifyProfile(at.roots)).drift).toEqual([]);
      expect(follow(at.roots, builtIn("latency"))).toEqual({ written: [], failed: [] });
      expect(restoreProfile(at.roots)).toMatchObject({ failed: [], later: [] });
      expect(changed(before, readings(at))).toEqual([]);
    },
  );

testNeeding(
  ["root and FUSE"],
  "followProfile() takes a floor along with max_perf_pct, both ways",
  async () => {
    const at = await mountMachine("intel_pstate-hwp");
    value(applyTo(at, builtIn("latency")));
    const floor = () => Number(at.read(`${P1}/scaling_min_freq`));
    const whole = floor();
    at.write("intel_pstate/max_perf_pct", 50);
    expect(floor()).toBe(whole);
    expect(follow(at.roots, builtIn("latency")).failed).toEqual([]);
    expect(floor()).toBeLessThan(whole);
    expect(at.hw(1)).toMatchObject({ min: at.hw(1)?.max });
    expect(value(verifyProfile(at.roots)).drift).toEqual([]);
    at.write("intel_pstate/max_perf_pct", 100);
    follow(at.roots, builtIn("latency"));
    expect(floor()).toBe(whole);
  },
);

testNeeding(["root and FUSE"], "followProfile() takes all of a CPU back when a write fails", async () => {
  const at = await mountMachine("intel_pstate-hwp");
  at.write("cpu1/online", 0);
  value(applyTo(at, builtIn("latency")));
  at.write("cpu1/online", 1);
  const before = readings(at);
  at.fault(`${P1}/scaling_min_freq`, { write: "EIO" });
  expect(follow(at.roots, builtIn("latency")).failed.map(({ code }) => code)).toEqual(["EIO"]);
  expect(changed(before, readings(at))).toEqual([]);
  expect(value(verifyProfile(at.roots)).drift).toEqual([]);
  at.fault(`${P1}/scaling_min_freq`);
  expect(follow(at.roots, builtIn("latency")).failed).toEqual([]);
  expect(at.read(`${P1}/scaling_governor`)).toBe("performance");
});

test("followProfile() moves interrupts with the VMs, takes in those that came, and leaves alone what drifted", () => {
  const at = machine("intel-server-8cpu");
  const profile = own({ irq: "housekeeping", rules: [{ cpus: "all", epb: 4 }] });
  value(applyProfile(at.roots, profile, { sets: setsOf(at.roots), now: "2026-07-01T10:00:00.000Z" }));
  const irq = (n: number) => `${at.tree.proc}/irq/${n}/smp_affinity_list`;
  const cpus = (n: number) => readFileSync(irq(n), "utf8").split("\n", 1)[0];
  mkdirSync(`${at.tree.proc}/irq/27`);
  writeFileSync(irq(27), "3\n");
  at.put("cpu0/power/energy_perf_bias", "15");
  const done = follow(at.roots, profile, [0, 1]);
  expect(done.failed).toEqual([]);
  expect([9, 24, 25, 27].map(cpus)).toEqual(["4-5", "4-5", "4-5", "4-5"]);
  expect(value(verifyProfile(at.roots)).drift).toMatchObject([{ knob: "epb", found: "15" }]);
  follow(at.roots, profile);
  expect([9, 24, 25, 27].map(cpus)).toEqual(["0-1,4-5", "0-1,4-5", "0-1", "0-1,4-5"]);
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect([9, 24, 25, 27].map(cpus)).toEqual(["0-7", "2", "0-1", "3"]);
});

test("followProfile() does nothing for another profile than the one in force, none, or one rewritten since", () => {
  const at = machine("intel-server-8cpu");
  expect(follow(at.roots, builtIn("latency"))).toEqual({ written: [], failed: [] });
  const { sets, now } = { sets: setsOf(at.roots), now: "2026-07-01T10:00:00.000Z" };
  value(applyProfile(at.roots, builtIn("powersave"), { sets, now }));
  expect(follow(at.roots, builtIn("latency"))).toEqual({ written: [], failed: [] });
  const more = { ...builtIn("powersave"), irq: "housekeeping" } as const;
  expect(follow(at.roots, more)).toEqual({ written: [], failed: [] });
});
