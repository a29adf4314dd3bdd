// The two XML forms and the text: exact where the world reads them, and valid by libvirt's own schema.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { capabilitiesRfc } from "../../internal/output/capabilities-rfc.ts";
import { capabilitiesText } from "../../internal/output/capabilities-text.ts";
import { capabilitiesXml } from "../../internal/output/capabilities-xml.ts";
import { readHostCapabilities } from "../../internal/power/capabilities/capabilities.ts";
import { libvirtView } from "../../internal/power/capabilities/libvirt-view.ts";
import { testNeeding } from "../helpers/needing.ts";
import { TREES } from "../helpers/tree.ts";
import { mountMachine } from "../kernel/machine.ts";
import { machine } from "../sysfs/machine.ts";

const SCHEMA = "/usr/share/libvirt/schemas/capability.rng";
const ALL = { mem: true, disk: true, hybrid: true, s3: true, s4: true };
const NONE = { mem: false, disk: false, hybrid: false, s3: false, s4: false };

function lint(flags: readonly string[], document: string): void {
  const { exitCode, stderr } = Bun.spawnSync(["xmllint", "--noout", ...flags, "-"], {
    stdin: Buffer.from(document),
  });
  expect(stderr.toString().replace("- validates\n", "")).toBe("");
  expect(exitCode).toBe(0);
}

test("capabilitiesXml() has libvirt's elements, an empty one when the host can't sleep and none when nobody knows", () => {
  const text = (sleep?: typeof ALL) => capabilitiesXml({ arch: "x86_64", sleep, cells: [] });
  expect(text(ALL)).toContain(
    "    <power_management>\n      <suspend_mem/>\n      <suspend_disk/>\n      <suspend_hybrid/>\n    </power_management>\n",
  );
  expect(text(NONE)).toContain("    <power_management/>\n");
  expect(text()).not.toContain("power_management");
});

test("capabilitiesRfc() has S3 and S4, and no tag at all when the host has neither", () => {
  const text = (s3: boolean, s4: boolean) => capabilitiesRfc({ arch: "i686", sleep: { s3, s4 } });
  expect(text(true, true)).toBe(`<capabilities>

  <host>
    <cpu>
      <arch>i686</arch>
    </cpu>
    <power_management>
      <S3/>
      <S4/>
    </power_management>
  </host>

</capabilities>`);
  expect(text(false, true)).toContain("<power_management>\n      <S4/>\n    </power_management>");
  expect(text(false, false)).not.toContain("power_management");
  expect(capabilitiesRfc({ arch: "i686" })).toBe(text(false, false));
});

testNeeding(["xmllint"], "both forms of every machine are well-formed", () => {
  for (const name of TREES) {
    const view = libvirtView(readHostCapabilities(machine(name).roots, "x86_64"));
    lint([], capabilitiesXml(view));
    lint([], capabilitiesRfc(view));
  }
});

if (existsSync(SCHEMA)) {
  testNeeding(["xmllint"], "capabilitiesXml() of every machine is valid by libvirt's schema", () => {
    for (const name of TREES) {
      const view = libvirtView(readHostCapabilities(machine(name).roots, "x86_64"));
      lint(["--relaxng", SCHEMA], capabilitiesXml(view));
    }
    for (const sleep of [ALL, NONE, undefined])
      lint(["--relaxng", SCHEMA], capabilitiesXml({ arch: "aarch64", sleep, cells: [] }));
  });
} else {
  test.skipIf(true)(
    "capabilitiesXml() is valid by libvirt's schema (needs libvirt-daemon's schemas)",
    () => {},
  );
}

test("capabilitiesText() groups domains that stand alike and tells why not", () => {
  const { roots, put } = machine("intel-server-8cpu");
  put("cpufreq/policy5/scaling_governor", "performance");
  const lines = capabilitiesText(readHostCapabilities(roots, "x86_64")).split("\n");
  expect(lines[0]).toMatch(/^WHAT +NOW +CONTROL +WHY NOT$/);
  expect(lines.find((line) => line.startsWith("clock of CPUs 0-4,6-7"))).toMatch(
    /intel_pstate powersave 800000-3700000 kHz, base 2400000 kHz +yes$/,
  );
  expect(lines.find((line) => line.startsWith("clock of CPU 5 "))).toMatch(/performance/);
  expect(lines.find((line) => line.startsWith("SMT"))).toMatch(/no +powermon takes no CPUs offline/);
});

test.each([
  [
    "field-epyc7502p-acpi",
    "acpi-cpufreq ondemand 1500000-2500000 kHz, 2500000 kHz is P0 and above, by hardware",
  ],
  ["field-xeon-sst-bf-2s-psys", "intel_pstate powersave 800000-3900000 kHz, base 2700000 kHz"],
  [
    "field-tlp703-max-perf-pct-30",
    "intel_pstate powersave 400000-500000 kHz, intel_pstate/max_perf_pct 30 %",
  ],
  ["field-arm-clusters-scmi", "scmi schedutil 408000-1800000 kHz"],
])("capabilitiesText() tells of the clocks of %s what they are", (name, clock) => {
  const lines = capabilitiesText(readHostCapabilities(machine(name).roots, "x86_64")).split("\n");
  expect(lines.map((line) => /^clock of CPUs \S+ +(.*?) +yes$/.exec(line)?.[1])).toContain(clock);
});

testNeeding(["root and FUSE"], "capabilitiesText() says that a domain's CPUs are offline", async () => {
  const { roots, write } = await mountMachine("acpi-cpufreq-boost");
  write("cpu1/online", 0);
  const { problems, cpufreq } = readHostCapabilities(roots, "x86_64");
  expect(problems).toEqual([]);
  expect(capabilitiesText({ arch: "x86_64", problems, cpufreq })).toMatch(
    /\nclock of domain 1 +- +no +its CPUs are offline\n/,
  );
});

test("capabilitiesText() tells power zones of one name apart", () => {
  const text = capabilitiesText(readHostCapabilities(machine("field-hybrid-i5-13500").roots, "x86_64"));
  expect(text).toMatch(/\npower zone package-0 \(intel-rapl:0\) +0.0001 J +no/);
  expect(text).toMatch(
    /\npower zone package-0 \(intel-rapl-mmio:0\) +0.0001 J, counts the same as intel-rapl:0 +no/,
  );
});
