// Speed Select as far as /sys shows it: cores with a higher base frequency, and none where cores differ for another reason.

import { expect, test } from "bun:test";
import { readCpufreqCapabilities } from "../../../internal/power/capabilities/capability-cpufreq.ts";
import { cpuRootOf } from "../../../internal/sysfs/cpufreq/originals.ts";
import { machine, value } from "../../sysfs/machine.ts";

const read = (name: string) => {
  const { roots } = machine(name);
  return value(readCpufreqCapabilities(cpuRootOf(roots), roots.procRoot));
};

test("speedSelectOf() tells which CPUs have the higher base, and that core power can't be known", () => {
  const { sst } = read("field-xeon-sst-bf-2s-psys");
  expect(sst?.bf).toMatchObject({ on: true, controllable: false });
  const [high, low] = sst?.bf.groups ?? [];
  expect(high?.baseKhz).toBeGreaterThan(low?.baseKhz ?? Infinity);
  expect(sst?.cp).toMatchObject({ on: "unknown", controllable: false });
  expect(sst?.cp.why).toContain("/dev/isst_interface");
});

test.each(["field-hybrid-i5-13500", "intel-server-8cpu"])("speedSelectOf() sees no SST-BF on %s", (name) => {
  expect(read(name).sst?.bf).toMatchObject({ on: false, groups: [] });
});

test("speedSelectOf() has nothing to say of other processors", () => {
  expect(read("amd-server-4cpu").sst).toBeUndefined();
});

test.each([
  [
    "intel_pstate-active-hwp-6.12",
    { driver: "intel_pstate", mode: "active", modes: ["active", "passive"], controllable: true },
  ],
  ["amd-pstate-guided-6.12", { driver: "amd_pstate", mode: "guided", controllable: true }],
  ["acpi-cpufreq-4cpu-boost", undefined],
])("readCpufreqCapabilities() tells the mode of the driver on %s", (name, mode) => {
  if (mode === undefined) expect(read(name).mode).toBeUndefined();
  else expect(read(name).mode).toMatchObject(mode);
});
