// Limits of a profile beside those that intel_pstate has for all CPUs.

import { expect } from "bun:test";
import { readHostCapabilities } from "../../../../internal/power/capabilities/capabilities.ts";
import { restoreProfile } from "../../../../internal/power/profiles/off.ts";
import { verifyProfile } from "../../../../internal/power/profiles/verify.ts";
import { testNeeding } from "../../../helpers/needing.ts";
import { mountMachine } from "../../../kernel/machine.ts";
import { value } from "../../../sysfs/machine.ts";
import { changed } from "../../snapshot.ts";
import { applyTo, builtIn, readings } from "../coupled.ts";

const NEEDS = ["root and FUSE"] as const;
const MAX = "cpufreq/policy0/scaling_max_freq";
const MIN = "cpufreq/policy0/scaling_min_freq";

for (const name of ["intel_pstate-hwp", "intel_cpufreq-hwp"]) {
  testNeeding(
    NEEDS,
    `applyProfile() stays within max_perf_pct on ${name}, and leaves nothing of it behind`,
    async () => {
      const at = await mountMachine(name);
      const plain = readings(at);
      at.write("intel_pstate/max_perf_pct", 50);
      const before = readings(at);
      for (const profile of ["performance", "latency", "powersave", "balanced"]) {
        const { rounded } = value(applyTo(at, builtIn(profile)));
        expect(at.hw(0)?.max).toBeLessThanOrEqual(19);
        expect(value(verifyProfile(at.roots)).drift).toEqual([]);
        if (profile === "latency")
          expect(rounded).toContainEqual({ path: MIN, asked: "2400000", held: "1800000" });
      }
      const dry = value(applyTo(at, builtIn("latency"), true));
      expect(dry.rounded).toContainEqual({ path: MIN, asked: "2400000", held: "1800000" });
      expect(restoreProfile(at.roots).failed).toEqual([]);
      expect(changed(before, readings(at))).toEqual([]);
      at.write("intel_pstate/max_perf_pct", 100);
      expect(changed(plain, readings(at))).toEqual([]);
    },
  );

  testNeeding(
    NEEDS,
    `applyProfile() stays above min_perf_pct on ${name}, and leaves nothing of it behind`,
    async () => {
      const at = await mountMachine(name);
      const plain = readings(at);
      const least = at.read("intel_pstate/min_perf_pct");
      at.write("intel_pstate/min_perf_pct", 80);
      for (const profile of ["performance", "latency"]) {
        value(applyTo(at, builtIn(profile)));
        expect(at.hw(0)?.min).toBeGreaterThanOrEqual(29);
      }
      const ceiling = [{ cpus: "all", ceiling: 1_000_000 }];
      value(applyTo(at, { ...builtIn("powersave"), boost: undefined, rules: ceiling }));
      expect(at.read(MAX)).toBe("3000000");
      expect(restoreProfile(at.roots).failed).toEqual([]);
      at.write("intel_pstate/min_perf_pct", least);
      expect(changed(plain, readings(at))).toEqual([]);
    },
  );
}

testNeeding(
  NEEDS,
  "readHostCapabilities() tells the limits that max_perf_pct and min_perf_pct leave",
  async () => {
    const at = await mountMachine("intel_pstate-hwp");
    const limits = () => {
      const found = readHostCapabilities(at.roots, "x86_64").cpufreq?.domains[0];
      return [found?.floorKhz, found?.ceilingKhz];
    };
    expect(limits()).toEqual([800_000, 3_700_000]);
    at.write("intel_pstate/max_perf_pct", 50);
    at.write("intel_pstate/min_perf_pct", 40);
    expect(limits()).toEqual([1_500_000, 1_800_000]);
  },
);
