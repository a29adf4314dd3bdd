// Switches of turbo: the machine's and each domain's own, and what the processor says of it.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { pathOf } from "../../../internal/sysfs/attribute.ts";
import { lacksTurbo, readBoost } from "../../../internal/sysfs/cpufreq/boost.ts";
import { cpuRootOf } from "../../../internal/sysfs/cpufreq/originals.ts";
import { domainId } from "../../../internal/values/units.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { machine, value } from "../machine.ts";

testNeeding(["root and FUSE"], "readBoost() reads the machine's switch and each domain's own", async () => {
  const at = await mountMachine("amd-pstate-active");
  at.write("cpufreq/policy1/boost", 0);
  const found = () =>
    value(readBoost(cpuRootOf(at.roots), [0, 1].map(domainId))).map(
      ({ attribute, on }) => `${pathOf(attribute)} ${on}`,
    );
  expect(found()).toEqual([
    "cpufreq/boost true",
    "cpufreq/policy0/boost true",
    "cpufreq/policy1/boost false",
  ]);
  // A domain whose CPUs are all offline answers EBUSY.
  at.write("cpu1/online", 0);
  expect(found()).toEqual(["cpufreq/boost true", "cpufreq/policy0/boost true"]);
});

test.each([
  ["flags\t\t: fpu ida arat\n", false],
  ["flags\t\t: fpu cpb hw_pstate\n", false],
  ["processor\t: 0\nflags\t\t: fpu arat hw_pstate\n", true],
  ["Features\t: fp asimd\n", false],
  [undefined, false],
])("lacksTurbo() of a /proc/cpuinfo with %p is %p", (text, lacks) => {
  const { roots } = machine("intel-server-8cpu");
  if (text !== undefined) writeFileSync(`${roots.procRoot}/cpuinfo`, text);
  expect(lacksTurbo(roots.procRoot)).toBe(lacks);
});
