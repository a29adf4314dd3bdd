// What is reckoned from intel_pstate's own files: the base frequency, and the range that per cent leave.

import { expect, test } from "bun:test";
import { AttrDir } from "../../../internal/sysfs/attr.ts";
import { intelBase, intelBounds } from "../../../internal/sysfs/driver/intel.ts";
import { khz } from "../../../internal/values/units.ts";
import { domain, machine } from "../machine.ts";

const RANGE = { min: khz(800_000), max: khz(3_700_000) };

/** The folder of CPUs of a machine of 0.8 to 3.7 GHz whose driver says `files`. */
function cpus(files: Readonly<Record<string, number>>): AttrDir {
  const { put, path } = machine("intel_pstate-nohwp-6.12");
  for (const [name, text] of Object.entries(files)) put(`intel_pstate/${name}`, `${text}`);
  return new AttrDir(path(""));
}

test.each([
  [30, 44, 2_400_000],
  [30, 0, 3_700_000],
  [30, 50, 2_200_000],
  [20, 16, 2_400_000],
])("intelBase() of %d P-states, %d %% of them turbo, is %d kHz", (num_pstates, turbo_pct, base) => {
  expect(intelBase(cpus({ num_pstates, turbo_pct }), RANGE)).toBe(khz(base));
});

test("intelBase() is not known where the kernel shows no P-states, and base_frequency goes before it", () => {
  expect(intelBase(new AttrDir(machine("field-hybrid-i5-13500").path("")), RANGE)).toBeUndefined();
  const host = machine("intel_pstate-active-hwp-6.12");
  host.put("cpufreq/policy0/base_frequency", "2000000");
  expect(domain(host.open(), 0).baseKhz).toBe(khz(2_000_000));
});

test("a domain without base_frequency has turbo above what its P-states tell, as DPDK has it", () => {
  const { baseKhz, hasTurbo, table } = domain(machine("intel_pstate-nohwp-6.12").open(), 0);
  expect([baseKhz, hasTurbo]).toEqual([khz(2_400_000), true]);
  expect(table.steps.slice(0, 3)).toEqual([3_700_000, 2_400_000, 2_300_000].map(khz));
});

test.each([
  [100, 21, 800_000, 3_700_000],
  [50, 21, 800_000, 1_800_000],
  [50, 40, 1_500_000, 1_800_000],
  [30, 30, 1_100_000, 1_100_000],
  [1, 0, 800_000, 800_000],
])("intelBounds() of max_perf_pct %d and min_perf_pct %d is %d to %d kHz", (most, least, min, max) => {
  const dir = cpus({ max_perf_pct: most, min_perf_pct: least });
  expect(intelBounds(dir, RANGE)).toEqual({ min: khz(min), max: khz(max) });
});

test("intelBounds() counts per cent of the highest turbo frequency while turbo is off", () => {
  const dir = cpus({ max_perf_pct: 60, no_turbo: 1 });
  expect(intelBounds(dir, { min: khz(800_000), max: khz(2_400_000) }).max).toBe(khz(2_200_000));
});
