// The sets of CPUs that words mean.

import { expect, test } from "bun:test";
import { readCpuSets, selectCpus } from "../../../internal/power/profiles/cpu-selector.ts";
import { err } from "../../../internal/values/result.ts";
import { pcpu } from "../../../internal/values/units.ts";
import { error, machine, value } from "../../sysfs/machine.ts";

test.each([
  ["all", [0, 1, 2, 3, 4, 5, 6]],
  ["isolated", [2, 3, 6]],
  ["housekeeping", [0, 1, 4, 5]],
  ["1,3-4", [1, 3, 4]],
] as const)("selectCpus() of %s are the online CPUs meant", (selector, cpus) => {
  const at = machine("intel-server-8cpu");
  at.put("online", "0-6");
  const sets = value(readCpuSets(at.roots.sysfsRoot, () => err("none")));
  expect(value(selectCpus(selector, sets))).toEqual(cpus.map(pcpu));
});

test.each([
  ["7", /CPU 7 is not online/],
  ["", /empty/],
  ["some", /nor all, isolated, housekeeping or vm:NAME/],
  ["vm:db", /^none$/],
])("selectCpus() of %p says why not", (selector, why) => {
  const at = machine("intel-server-8cpu");
  at.put("online", "0-6");
  expect(error(selectCpus(selector, value(readCpuSets(at.roots.sysfsRoot, () => err("none")))))).toMatch(why);
});
