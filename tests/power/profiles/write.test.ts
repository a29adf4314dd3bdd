// Settings are written in the order that the kernel wants, put back as they were, and read back.

import { expect, test } from "bun:test";
import { explainProfile } from "../../../internal/power/profiles/outcome.ts";
import { restoreProfile } from "../../../internal/power/profiles/off.ts";
import { loadProfile } from "../../../internal/power/profiles/store.ts";
import { verifyProfile } from "../../../internal/power/profiles/verify.ts";
import { inWriteOrder } from "../../../internal/power/profiles/write.ts";
import { domainId } from "../../../internal/values/units.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { error, machine, value } from "../../sysfs/machine.ts";
import { changed } from "../snapshot.ts";
import { applyTo, builtIn, own, readings } from "./coupled.ts";

const domain = domainId(0);
const NEEDS = ["root and FUSE"] as const;
const P0 = "cpufreq/policy0";
const P1 = "cpufreq/policy1";
const EPP = "energy_performance_preference";

test("inWriteOrder() puts turbo first, the governor before EPP and the limits after them", () => {
  const at = machine("intel-server-8cpu");
  const order = inWriteOrder(at.path(""), [
    { attribute: { knob: "epp", domain }, text: "power" },
    { attribute: { knob: "floor", domain }, text: "800000" },
    { attribute: { knob: "governor", domain }, text: "powersave" },
    { attribute: { knob: "boost", file: "intel_pstate/no_turbo" }, text: "1" },
  ]);
  expect([...order].map((one) => one.attribute.knob)).toEqual(["boost", "governor", "epp", "floor"]);
});

test.each([
  ["raised", "2000000", "1800000", ["ceiling", "floor"]],
  ["lowered", "1000000", "900000", ["floor", "ceiling"]],
] as const)("inWriteOrder() keeps floor at or below ceiling when both are %s", (_, ceiling, floor, knobs) => {
  const at = machine("acpi-cpufreq-4cpu-independent");
  at.put("cpufreq/policy1/scaling_min_freq", "1200000");
  at.put("cpufreq/policy1/scaling_max_freq", "1400000");
  const one = domainId(1);
  const order = inWriteOrder(at.path(""), [
    { attribute: { knob: "floor", domain }, text: "800000" },
    { attribute: { knob: "floor", domain: one }, text: floor },
    { attribute: { knob: "ceiling", domain: one }, text: ceiling },
  ]);
  const knobsOfOne = [...order].flatMap(({ attribute }) =>
    "domain" in attribute && attribute.domain === one ? [attribute.knob] : [],
  );
  expect(knobsOfOne).toEqual([...knobs]);
});

test("inWriteOrder() judges a ceiling by what stands when its turn comes, not by what stood before", () => {
  const at = machine("intel-server-8cpu");
  const order = inWriteOrder(at.path(""), [
    { attribute: { knob: "boost", file: "intel_pstate/no_turbo" }, text: "0" },
    { attribute: { knob: "floor", domain }, text: "2000000" },
    { attribute: { knob: "ceiling", domain }, text: "2400000" },
  ]);
  expect(order.next().value?.attribute.knob).toBe("boost");
  at.put("cpufreq/policy0/scaling_max_freq", "1800000");
  expect([...order].map((one) => one.attribute.knob)).toEqual(["ceiling", "floor"]);
});

testNeeding(
  NEEDS,
  "restoreProfile() leaves no limit where there was none, though turbo came back meanwhile",
  async () => {
    for (const profile of ["performance", "powersave", "latency"]) {
      const { roots, read, write, ...rest } = await mountMachine("intel_pstate-hwp");
      write("intel_pstate/no_turbo", 1);
      value(applyTo({ roots, read, write, ...rest }, builtIn(profile)));
      write("intel_pstate/no_turbo", 1);
      expect(restoreProfile(roots).failed).toEqual([]);
      write("intel_pstate/no_turbo", 0);
      expect([read(`${P0}/scaling_min_freq`), read(`${P0}/scaling_max_freq`)]).toEqual(["800000", "3700000"]);
    }
  },
);

for (const [name, file, top] of [
  ["amd-pstate-active", "boost", "4313000"],
  ["cppc_cpufreq", "boost", "4316000"],
  ["amd-pstate-passive", "policy0/boost", "4313000"],
] as const)
  testNeeding(NEEDS, `restoreProfile() leaves no limit on ${name} where ${file} was off before`, async () => {
    const at = await mountMachine(name);
    at.write(`cpufreq/${file}`, 0);
    const before = readings(at);
    for (const profile of ["performance", "latency", "balanced"]) {
      value(applyTo(at, builtIn(profile)));
      expect(restoreProfile(at.roots).failed).toEqual([]);
      expect(changed(before, readings(at))).toEqual([]);
    }
    at.write(`cpufreq/${file}`, 1);
    expect(at.read(`${P0}/scaling_max_freq`)).toBe(top);
  });

testNeeding(NEEDS, "a profile without limits stays without them when turbo comes and goes", async () => {
  const at = await mountMachine("intel_pstate-hwp");
  at.write("intel_pstate/no_turbo", 1);
  value(applyTo(at, builtIn("latency")));
  at.write("intel_pstate/no_turbo", 0);
  expect(at.read(`${P1}/scaling_max_freq`)).toBe("3700000");
  expect(value(verifyProfile(at.roots)).drift).toEqual([]);
  at.write(`${P1}/scaling_max_freq`, 3_000_000);
  expect(value(verifyProfile(at.roots)).drift.map(({ path, found }) => [path, found])).toEqual([
    [`${P1}/scaling_max_freq`, "3000000"],
  ]);
});

testNeeding(NEEDS, "restoreProfile() puts a limit back that looks the same while turbo is off", async () => {
  const at = await mountMachine("intel_pstate-hwp");
  at.write(`${P0}/scaling_max_freq`, 2_400_000);
  value(applyTo(at, builtIn("latency")));
  at.write("intel_pstate/no_turbo", 1);
  expect(restoreProfile(at.roots).failed).toEqual([]);
  at.write("intel_pstate/no_turbo", 0);
  expect(at.read(`${P0}/scaling_max_freq`)).toBe("2400000");
});

testNeeding(
  NEEDS,
  "applyProfile() of balanced after governor performance brings EPP along on amd-pstate",
  async () => {
    const at = await mountMachine("amd-pstate-active");
    expect(at.read(`${P0}/energy_performance_available_preferences`)).toBe("performance");
    const { left } = value(applyTo(at, builtIn("balanced")));
    expect(left.map(({ knob }) => knob)).not.toContain("epp");
    expect([at.read(`${P0}/${EPP}`), at.read(`${P1}/${EPP}`)]).toEqual([
      "balance_performance",
      "balance_performance",
    ]);
  },
);

testNeeding(
  NEEDS,
  "a second profile brings back the EPP that a governor of the first had moved",
  async () => {
    const at = await mountMachine("amd-pstate-epp-powersave-6.12");
    at.write(`${P0}/${EPP}`, "balance_power");
    value(applyTo(at, own({ rules: [{ cpus: "all", governor: "performance" }] })));
    expect(at.read(`${P0}/${EPP}`)).toBe("performance");
    value(applyTo(at, own({ rules: [{ cpus: "all", ceiling: "max" }] })));
    expect(at.read(`${P0}/${EPP}`)).toBe("balance_power");
    // The governor that goes back no longer holds it.
    value(applyTo(at, builtIn("performance")));
    value(applyTo(at, own({ rules: [{ cpus: "all", epp: "power" }] })));
    expect(at.read(`${P0}/${EPP}`)).toBe("power");
  },
);

testNeeding(NEEDS, "an EPP that has no word is unknown, is set, and goes back to the default", async () => {
  const at = await mountMachine("amd-pstate-epp-powersave-6.12");
  at.setRawEpp(1, 64);
  for (const profile of ["performance", "balanced", "powersave", "latency"])
    value(applyTo(at, builtIn(profile)));
  value(applyTo(at, builtIn("powersave")));
  expect(at.read(`${P1}/${EPP}`)).toBe("power");
  const back = restoreProfile(at.roots);
  expect(back.failed).toEqual([]);
  expect(back.restored.find(({ path }) => path === `${P1}/${EPP}`)?.text).toBe("unknown");
  // What the processor came up with.
  expect(at.hw(1)?.epp).toBe(0);
});

testNeeding(NEEDS, "an EPP that is a number, or a raw 0 without a word, goes back as it is", async () => {
  const at = await mountMachine("intel_pstate-mtl");
  at.setRawEpp(0, 100);
  at.write(`${P1}/${EPP}`, 0);
  expect([at.read(`${P0}/${EPP}`), at.read(`${P1}/${EPP}`)]).toEqual(["100", "default"]);
  value(applyTo(at, builtIn("powersave")));
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect([at.read(`${P0}/${EPP}`), at.read(`${P1}/${EPP}`), at.hw(1)?.epp]).toEqual(["100", "default", 0]);
});

testNeeding(
  NEEDS,
  "applyProfile() leaves out an EPP that the driver does not take, or refuses who insists",
  async () => {
    const at = await mountMachine("amd-pstate-epp-powersave-6.12");
    const before = readings(at);
    const profile = own({ rules: [{ cpus: "all", ceiling: 2_000_000, epp: "64" }] });
    expect(explainProfile(error(applyTo(at, profile)))[0]).toBe(
      "epp of domain 0: the driver takes no 64 (EINVAL)",
    );
    expect(changed(before, readings(at))).toEqual([]);
    const { left, changes } = value(applyTo(at, { ...profile, missing: "skip" }));
    expect(left.map(({ knob, where }) => `${knob} ${where}`)).toEqual(["epp domain 0", "epp domain 1"]);
    expect(changes.map(({ knob }) => knob)).toEqual(["ceiling", "ceiling"]);
    expect(value(verifyProfile(at.roots)).drift).toEqual([]);
  },
);

testNeeding(NEEDS, "applyProfile() takes EPP default for the word that it stands for", async () => {
  const at = await mountMachine("intel_pstate-hwp");
  at.write(`${P0}/${EPP}`, "power");
  value(applyTo(at, own({ rules: [{ cpus: "all", epp: "default" }] })));
  expect(at.read(`${P0}/${EPP}`)).toBe("balance_performance");
  expect(value(verifyProfile(at.roots)).drift).toEqual([]);
});

testNeeding(NEEDS, "applyProfile() waits for limits that the kernel takes over a little later", async () => {
  const at = await mountMachine("intel_pstate-hwp");
  at.late(5);
  const { rounded } = value(applyTo(at, own({ rules: [{ cpus: "all", ceiling: 2_000_000 }] })));
  expect(rounded).toEqual([]);
  expect(value(verifyProfile(at.roots)).drift).toEqual([]);
});

testNeeding(
  NEEDS,
  "applyProfile() of performance and balanced leaves a minimum that was raised",
  async () => {
    const at = await mountMachine("amd-pstate-active-6.16");
    at.write(`${P0}/scaling_min_freq`, 1_700_000);
    for (const profile of ["performance", "balanced"]) {
      value(applyTo(at, builtIn(profile)));
      expect([at.read(`${P0}/scaling_min_freq`), at.read(`${P1}/scaling_min_freq`)]).toEqual([
        "1700000",
        "1558000",
      ]);
    }
    value(applyTo(at, builtIn("powersave")));
    expect(at.read(`${P0}/scaling_min_freq`)).toBe(at.read(`${P0}/cpuinfo_min_freq`));
  },
);

for (const name of ["intel_pstate-hwp", "amd-pstate-active"])
  testNeeding(
    NEEDS,
    `a profile goes on while CPU 1 is offline on ${name}, and what is its waits`,
    async () => {
      const at = await mountMachine(name);
      const before = readings(at);
      value(applyTo(at, builtIn("powersave")));
      at.write("cpu1/online", 0);
      expect(value(verifyProfile(at.roots)).drift).toEqual([]);
      value(applyTo(at, builtIn("performance")));
      expect(at.read(`${P0}/scaling_governor`)).toBe("performance");
      const off = restoreProfile(at.roots);
      expect(off).toMatchObject({ profile: "performance", failed: [] });
      expect(off.later.length).toBeGreaterThan(2);
      expect(off.later.filter(({ path }) => !path.startsWith(`${P1}/`))).toEqual([]);
      expect(value(verifyProfile(at.roots))).toEqual({ state: "none", drift: [], held: [] });
      expect(restoreProfile(at.roots).later).toEqual(off.later);
      at.write("cpu1/online", 1);
      expect(restoreProfile(at.roots)).toMatchObject({ failed: [], later: [], restored: off.later });
      expect(value(loadProfile(at.roots))).toEqual({ state: "none" });
      // intel_pstate passes offline CPUs by when turbo comes or goes (intel_pstate_update_limits_for_all), and does not make up for it.
      const left = changed(before, readings(at)).filter((line) => !line.startsWith(`${P1}/cpuinfo_max_freq`));
      expect(left).toEqual([]);
    },
  );

for (const name of [
  "intel_pstate-hwp",
  "amd-pstate-active",
  "cppc_cpufreq",
  "intel_pstate-mtl",
  "acpi-cpufreq-boost",
])
  for (const [first, second] of [
    ["powersave", "performance"],
    ["performance", "powersave"],
    [undefined, "latency"],
  ] as const)
    testNeeding(
      NEEDS,
      `a write that fails half way from ${first ?? "plain"} to ${second} on ${name} is rolled back whole`,
      async () => {
        const at = await mountMachine(name);
        if (first) value(applyTo(at, builtIn(first)));
        const before = readings(at);
        at.fault(`${P1}/scaling_max_freq`, { write: "EIO" });
        const refusal = error(applyTo(at, builtIn(second)));
        expect(refusal).toMatchObject({ kind: "failed", notRolledBack: [] });
        expect(explainProfile(refusal)[0]).toMatch(/policy1\/scaling_max_freq.*everything was rolled back$/);
        expect(changed(before, readings(at))).toEqual([]);
        expect(value(verifyProfile(at.roots))).toMatchObject({
          state: first ? "applied" : "none",
          drift: [],
        });
      },
    );
