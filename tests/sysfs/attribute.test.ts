// What a profile sets and where it is, both ways: a saved path must lead to nothing else.

import { expect, test } from "bun:test";
import { type Attribute, parseAttribute, pathOf } from "../../internal/sysfs/attribute.ts";
import { domainId, pcpu } from "../../internal/values/units.ts";

const domain = domainId(12);
const cpu = pcpu(7);
const uncore = "package_01_die_00";

test.each<[Attribute, string]>([
  [{ knob: "boost", file: "intel_pstate/no_turbo" }, "intel_pstate/no_turbo"],
  [{ knob: "boost", file: "cpufreq/boost" }, "cpufreq/boost"],
  [{ knob: "boost", domain }, "cpufreq/policy12/boost"],
  [{ knob: "governor", domain }, "cpufreq/policy12/scaling_governor"],
  [{ knob: "floor", domain }, "cpufreq/policy12/scaling_min_freq"],
  [{ knob: "ceiling", domain }, "cpufreq/policy12/scaling_max_freq"],
  [{ knob: "speed", domain }, "cpufreq/policy12/scaling_setspeed"],
  [{ knob: "epp", domain }, "cpufreq/policy12/energy_performance_preference"],
  [{ knob: "epb", cpu }, "cpu7/power/energy_perf_bias"],
  [{ knob: "latency", cpu }, "cpu7/power/pm_qos_resume_latency_us"],
  [{ knob: "idle state", cpu, state: 3 }, "cpu7/cpuidle/state3/disable"],
  [{ knob: "uncore floor", uncore }, `intel_uncore_frequency/${uncore}/min_freq_khz`],
  [{ knob: "uncore ceiling", uncore: "uncore05" }, "intel_uncore_frequency/uncore05/max_freq_khz"],
])("parseAttribute() undoes pathOf() of %j", (attribute, path) => {
  expect(pathOf(attribute)).toBe(path);
  expect(parseAttribute(path)).toEqual(attribute);
});

test.each([
  "",
  "x",
  "/cpufreq/boost",
  "../cpufreq/boost",
  "cpufreq/policy0",
  "cpufreq/policy0/scaling_cur_freq",
  "cpufreq/policy00/scaling_governor",
  "cpufreq/policy0/../policy1/scaling_governor",
  "cpu1/online",
  "cpu1/cpuidle/state/disable",
  "intel_uncore_frequency/../min_freq_khz",
  "intel_uncore_frequency/package_00_die_00/initial_max_freq_khz",
])("parseAttribute() knows nothing at %j", (path) => {
  expect(parseAttribute(path)).toBeUndefined();
});
