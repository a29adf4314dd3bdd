// A profile comes into force whole, holds, is taken back whole; and what happens when a file says no half way.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type CpuSets, readCpuSets } from "../../../internal/power/profiles/cpu-selector.ts";
import { BUILT_IN, type HostProfile } from "../../../internal/power/profiles/host-profile.ts";
import { applyProfile } from "../../../internal/power/profiles/apply.ts";
import { explainProfile } from "../../../internal/power/profiles/outcome.ts";
import { restoreProfile } from "../../../internal/power/profiles/off.ts";
import { verifyProfile } from "../../../internal/power/profiles/verify.ts";
import { loadProfile, profilePath, saveProfile } from "../../../internal/power/profiles/store.ts";
import { takeLock } from "../../../internal/os/lock.ts";
import { err, ok } from "../../../internal/values/result.ts";
import { khz, pcpu } from "../../../internal/values/units.ts";
import { BOOT_ID, TREES } from "../../helpers/tree.ts";
import { domain, error, machine, value } from "../../sysfs/machine.ts";
import { changed, snapshot } from "../snapshot.ts";
import { builtIn, own } from "./coupled.ts";

type Machine = ReturnType<typeof machine>;
const NOW = "2026-07-01T10:00:00.000Z";

const setsOf = ({ roots }: Machine): CpuSets =>
  value(readCpuSets(roots.sysfsRoot, (vm) => (vm === "web" ? ok([pcpu(2), pcpu(6)]) : err("no such VM"))));
const apply = (at: Machine, profile: HostProfile, more: Partial<Parameters<typeof applyProfile>[2]> = {}) =>
  applyProfile(at.roots, profile, { sets: setsOf(at), now: NOW, ...more });
for (const tree of TREES)
  for (const profile of BUILT_IN)
    test(`applyProfile() puts ${profile.name} in force on ${tree}, verifyProfile() agrees, restoreProfile() takes it back`, () => {
      const at = machine(tree);
      const before = snapshot(at.path(""));
      const done = value(apply(at, profile));
      const after = snapshot(at.path(""));
      expect(changed(before, after)).toHaveLength(done.changes.length);
      expect(value(verifyProfile(at.roots))).toMatchObject({ drift: [], held: [] });
      expect(value(apply(at, profile)).changes).toEqual([]);
      const back = restoreProfile(at.roots);
      expect(back).toMatchObject({ profile: profile.name, stale: false, failed: [] });
      expect(changed(before, snapshot(at.path("")))).toEqual([]);
      expect(value(loadProfile(at.roots))).toEqual({ state: "none" });
    });

// each row: tree, profile, attribute, what it must then say
test.each([
  ["intel-server-8cpu", "performance", "cpufreq/policy3/scaling_governor", "performance"],
  ["intel-server-8cpu", "performance", "cpu7/power/energy_perf_bias", "0"],
  ["intel-server-8cpu", "balanced", "cpufreq/policy3/scaling_governor", "powersave"],
  ["intel-server-8cpu", "powersave", "intel_pstate/no_turbo", "1"],
  ["intel-server-8cpu", "powersave", "cpufreq/policy0/scaling_max_freq", "2400000"],
  ["intel-server-8cpu", "powersave", "cpufreq/policy0/energy_performance_preference", "power"],
  ["intel-server-8cpu", "latency", "cpufreq/policy0/scaling_min_freq", "2400000"],
  ["intel-server-8cpu", "latency", "cpu5/power/pm_qos_resume_latency_us", "9"],
  ["amd-server-4cpu", "powersave", "cpufreq/policy3/boost", "0"],
  ["amd-server-4cpu", "latency", "cpufreq/policy1/energy_performance_preference", "performance"],
  ["amd-server-4cpu", "latency", "cpufreq/policy1/scaling_min_freq", "2450000"],
  ["arm64-server-4cpu", "balanced", "cpufreq/policy0/scaling_governor", "schedutil"],
  ["arm64-server-4cpu", "latency", "cpu2/power/pm_qos_resume_latency_us", "9"],
  ["acpi-cpufreq-4cpu-boost", "balanced", "cpufreq/policy0/scaling_governor", "schedutil"],
  ["acpi-cpufreq-4cpu-boost", "powersave", "cpufreq/boost", "0"],
  ["acpi-cpufreq-2cpu-turbo", "powersave", "cpufreq/policy1/scaling_max_freq", "2600000"],
] as const)("on %s profile %s makes %s say %s", (tree, name, file, text) => {
  const at = machine(tree);
  value(apply(at, builtIn(name)));
  expect(at.line(file)).toBe(text);
});

test("applyProfile() with a dry run tells the same changes and writes nothing at all", () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.tree.root);
  const dry = value(apply(at, builtIn("powersave"), { dryRun: true }));
  expect(changed(before, snapshot(at.tree.root))).toEqual([]);
  expect(value(apply(at, builtIn("powersave"))).changes).toEqual(dry.changes);
});

test("applyProfile() leaves alone what `only` does not name, and the whole machine's knobs", () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.path(""));
  const only = { text: "2-3", cpus: [2, 3].map(pcpu) };
  const done = value(apply(at, builtIn("powersave"), { only }));
  const moved = changed(before, snapshot(at.path("")));
  expect(moved.every((line) => /^(cpufreq\/policy|cpu)[23]\//.test(line))).toBe(true);
  expect(moved.length).toBeGreaterThan(0);
  expect(done.left.map((one) => one.knob)).toEqual(["boost"]);
});

test("later rules win over earlier ones, knob by knob, for isolated CPUs, VMs and numbers", () => {
  const at = machine("intel-server-8cpu");
  const profile = own({
    rules: [
      { cpus: "all", governor: "powersave", epb: 8 },
      { cpus: "isolated", governor: "performance" },
      { cpus: "vm:web", epb: 0 },
      { cpus: "0,4", epb: 15 },
    ],
  });
  value(apply(at, profile));
  const line = (cpu: number) => [
    at.line(`cpufreq/policy${cpu}/scaling_governor`),
    at.line(`cpu${cpu}/power/energy_perf_bias`),
  ];
  expect([0, 1, 2, 3].map(line)).toEqual([
    ["powersave", "15"],
    ["powersave", "8"],
    ["performance", "0"],
    ["performance", "8"],
  ]);
});

test("a second profile keeps the first originals and gives back what it does not ask for itself", () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.path(""));
  value(apply(at, builtIn("latency")));
  value(apply(at, own({ rules: [{ cpus: "0", epb: 3 }] })));
  expect(changed(before, snapshot(at.path("")))).toEqual(["cpu0/power/energy_perf_bias: 6 > 3"]);
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(changed(before, snapshot(at.path("")))).toEqual([]);
});

test("deepestState turns off the deeper states only", () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.path(""));
  value(apply(at, own({ rules: [{ cpus: "1", deepestState: ["C1_ACPI", "C1", "C1E"] }] })));
  expect(changed(before, snapshot(at.path("")))).toEqual([
    "cpu1/cpuidle/state2/disable: 0 > 1",
    "cpu1/cpuidle/state3/disable: 0 > 1",
  ]);
});

test("the firmware's profile and KVM's polling are set, verified and given back; without them they are lacking", () => {
  const at = machine("intel-server-8cpu");
  const profile = own({ platformProfile: "low-power", haltPollNs: 0 });
  expect(error(apply(at, profile))).toMatchObject({ kind: "unsupported" });
  const put = (path: string, text: string) => {
    mkdirSync(dirname(`${at.tree.sys}/${path}`), { recursive: true });
    writeFileSync(`${at.tree.sys}/${path}`, `${text}\n`);
  };
  put("firmware/acpi/platform_profile", "balanced");
  put("firmware/acpi/platform_profile_choices", "low-power balanced performance");
  put("module/kvm/parameters/halt_poll_ns", "200000");
  const before = snapshot(at.tree.sys);
  value(apply(at, profile));
  expect(changed(before, snapshot(at.tree.sys))).toEqual([
    "firmware/acpi/platform_profile: balanced > low-power",
    "module/kvm/parameters/halt_poll_ns: 200000 > 0",
  ]);
  put("module/kvm/parameters/halt_poll_ns", "50000");
  expect(value(verifyProfile(at.roots))).toMatchObject({ drift: [{ knob: "halt poll" }] });
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(changed(before, snapshot(at.tree.sys))).toEqual([]);
  expect(JSON.stringify(error(apply(at, own({ platformProfile: "cool" }))))).toContain(
    "it has no cool: it has low-power, balanced, performance",
  );
});

test("latencyUs turns off states one by one on a kernel without the limit's file", () => {
  const at = machine("intel-server-8cpu");
  rmSync(at.path("cpu1/power/pm_qos_resume_latency_us"));
  const before = snapshot(at.path(""));
  value(apply(at, own({ rules: [{ cpus: "1", latencyUs: 9 }] })));
  expect(changed(before, snapshot(at.path("")))).toEqual([
    "cpu1/cpuidle/state2/disable: 0 > 1",
    "cpu1/cpuidle/state3/disable: 0 > 1",
  ]);
});

test("uncore limits are written and given back", () => {
  const at = machine("intel-server-8cpu");
  value(apply(at, own({ uncore: { floor: 1_600_000, ceiling: 1_600_000 } })));
  expect(at.line("intel_uncore_frequency/package_01_die_00/min_freq_khz")).toBe("1600000");
  expect(at.line("intel_uncore_frequency/package_01_die_00/max_freq_khz")).toBe("1600000");
  restoreProfile(at.roots);
  expect(at.line("intel_uncore_frequency/package_01_die_00/max_freq_khz")).toBe("2400000");
});

test("a write that fails rolls back everything before it and is named", () => {
  const at = machine("intel-server-8cpu");
  // Reads as a number and refuses to be written, for root too.
  rmSync(at.path("cpu6/power/pm_qos_resume_latency_us"));
  symlinkSync("/proc/sys/kernel/cap_last_cap", at.path("cpu6/power/pm_qos_resume_latency_us"));
  const before = snapshot(at.path(""));
  const refusal = error(apply(at, builtIn("latency")));
  expect(refusal).toMatchObject({
    kind: "failed",
    failed: { attribute: { knob: "latency" }, error: { code: "EACCES" } },
    notRolledBack: [],
  });
  expect(explainProfile(refusal)[0]).toMatch(
    /cpu6\/power\/pm_qos_resume_latency_us.*EACCES.*everything was rolled back$/,
  );
  expect(changed(before, snapshot(at.path("")))).toEqual([]);
  expect(value(loadProfile(at.roots))).toEqual({ state: "none" });
});

test("a second profile that fails leaves the first one in force", () => {
  const at = machine("intel-server-8cpu");
  value(apply(at, builtIn("powersave")));
  const stored = readFileSync(profilePath(at.roots.stateDir), "utf8");
  const before = snapshot(at.path(""));
  rmSync(at.path("cpu6/power/pm_qos_resume_latency_us"));
  symlinkSync("/proc/sys/kernel/cap_last_cap", at.path("cpu6/power/pm_qos_resume_latency_us"));
  before["cpu6/power/pm_qos_resume_latency_us"] = at.line("cpu6/power/pm_qos_resume_latency_us");
  expect(error(apply(at, builtIn("latency"))).kind).toBe("failed");
  expect(changed(before, snapshot(at.path("")))).toEqual([]);
  expect(readFileSync(profilePath(at.roots.stateDir), "utf8")).toBe(stored);
});

// each row: why, tree, profile, kind, what must be said
test.each([
  [
    "a governor the driver lacks",
    "intel-server-8cpu",
    own({ rules: [{ cpus: "0", governor: "ondemand" }] }),
    "unsupported",
    /offers no ondemand: it has performance, powersave/,
  ],
  [
    "EPP where there is none",
    "acpi-cpufreq-4cpu-boost",
    own({ rules: [{ cpus: "0", epp: "power" }] }),
    "unsupported",
    /has no energy_performance_preference/,
  ],
  [
    "EPB where there is none",
    "amd-server-4cpu",
    own({ rules: [{ cpus: "0", epb: 3 }] }),
    "unsupported",
    /no energy and performance bias hint/,
  ],
  [
    "turbo where there is no switch",
    "cppc-cpufreq-4cpu",
    own({ boost: true }),
    "unsupported",
    /no switch of turbo/,
  ],
  [
    "uncore where there is none",
    "amd-server-4cpu",
    own({ uncore: { ceiling: "max" } }),
    "unsupported",
    /intel_uncore_frequency/,
  ],
  [
    "idle states where there are none",
    "acpi-cpufreq-4cpu-boost",
    own({ rules: [{ cpus: "0", latencyUs: 5 }] }),
    "unsupported",
    /no cpuidle driver/,
  ],
  [
    "an idle state that is not there",
    "intel-server-8cpu",
    own({ rules: [{ cpus: "0", deepestState: ["C9"] }] }),
    "unsupported",
    /it has POLL, C1, C1E, C6/,
  ],
  [
    "a latency of the whole machine that nobody holds",
    "intel-server-8cpu",
    own({ latencyUs: 10 }),
    "unsupported",
    /cpu_dma_latency/,
  ],
  [
    "a clock past the hardware",
    "intel-server-8cpu",
    own({ rules: [{ cpus: "0", ceiling: 9_000_000 }] }),
    "impossible",
    /800000-9000000 kHz is no range within 800000-3700000/,
  ],
  [
    "a floor above the ceiling",
    "intel-server-8cpu",
    own({ rules: [{ cpus: "0", floor: "max", ceiling: "base" }] }),
    "impossible",
    /3700000-2400000 kHz/,
  ],
  [
    "EPP under governor performance",
    "intel-server-8cpu",
    own({ rules: [{ cpus: "0", governor: "performance", epp: "power" }] }),
    "impossible",
    /EBUSY/,
  ],
  [
    "half of a shared clock",
    "acpi-cpufreq-4cpu-2domains",
    own({ rules: [{ cpus: "0", governor: "performance" }] }),
    "impossible",
    /CPUs 0 and 1 share one clock/,
  ],
  [
    "a CPU that is not there",
    "intel-server-8cpu",
    own({ rules: [{ cpus: "8", epb: 1 }] }),
    "impossible",
    /CPU 8 is not online/,
  ],
  [
    "a VM that does not run",
    "intel-server-8cpu",
    own({ rules: [{ cpus: "vm:db", epb: 1 }] }),
    "impossible",
    /no such VM/,
  ],
  [
    "an uncore range past the hardware",
    "intel-server-8cpu",
    own({ uncore: { ceiling: 3_000_000 } }),
    "impossible",
    /no range within 800000-2400000/,
  ],
  ["nothing", "intel-server-8cpu", own({}), "unsupported", /asks for nothing/],
] as const)("a profile that asks for %s is refused before the first write", (_, tree, profile, kind, why) => {
  const at = machine(tree);
  const before = snapshot(at.tree.root);
  const refusal = error(apply(at, profile));
  expect(refusal.kind).toBe(kind);
  expect(explainProfile(refusal).join("\n")).toMatch(why);
  expect(changed(before, snapshot(at.tree.root))).toEqual([]);
});

test("a latency of the whole machine is handed to who can hold it", () => {
  const at = machine("intel-server-8cpu");
  expect(value(apply(at, own({ latencyUs: 10 }), { canHold: true })).latencyUs).toBe(10);
  expect(value(loadProfile(at.roots))).toMatchObject({ state: "applied", applied: { latencyUs: 10 } });
});

test("a profile is refused while a guest's claim holds one of its clocks", () => {
  const at = machine("acpi-cpufreq-4cpu-independent");
  const cpufreq = at.open();
  value(domain(cpufreq, 2).set(khz(800_000)));
  expect(error(apply(at, builtIn("performance")))).toEqual({ kind: "held", domains: [2] as never });
  const only = { text: "0-1", cpus: [0, 1].map(pcpu) };
  expect(value(apply(at, builtIn("performance"), { only })).changes.length).toBeGreaterThan(0);
  cpufreq.close();
});

test("a guest's claim lives inside the profile's bounds, is no drift, and goes back to them", () => {
  const at = machine("acpi-cpufreq-4cpu-independent");
  const before = snapshot(at.path("cpufreq/policy2"));
  const bounds = own({
    rules: [{ cpus: "all", governor: "schedutil", floor: 1_000_000, ceiling: 2_000_000 }],
  });
  value(apply(at, bounds));
  const cpufreq = at.open();
  expect(value(domain(cpufreq, 2).set(khz(2_600_000)))).toBe(khz(2_000_000));
  expect(at.line("cpufreq/policy2/scaling_governor")).toBe("userspace");
  expect(value(verifyProfile(at.roots))).toMatchObject({ drift: [], held: [2] });
  value(domain(cpufreq, 2).restore());
  expect(at.line("cpufreq/policy2/scaling_governor")).toBe("schedutil");
  expect(value(verifyProfile(at.roots))).toMatchObject({ drift: [], held: [] });
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(changed(before, snapshot(at.path("cpufreq/policy2")))).toEqual([]);
  cpufreq.close();
});

test("applyProfile() in a dry run looks beneath the claims of a caller that gives them back", () => {
  const at = machine("intel-server-8cpu");
  const bounds = own({ rules: [{ cpus: "all", ceiling: 2_000_000 }] });
  const free = value(apply(at, bounds, { dryRun: true }));
  const cpufreq = at.open();
  value(domain(cpufreq, 2).set(khz(2_600_000)));
  expect(error(apply(at, bounds, { dryRun: true })).kind).toBe("impossible");
  const before = snapshot(at.tree.root);
  expect(value(apply(at, bounds, { dryRun: true, givesBack: true }))).toEqual(free);
  expect(changed(before, snapshot(at.tree.root))).toEqual([]);
  cpufreq.close();
});

test("applyProfile() and restoreProfile() wait for nobody: who changes the profile now is named", () => {
  const at = machine("amd-server-4cpu");
  value(apply(at, builtIn("powersave")));
  const holder = Bun.spawn(["sleep", "60"]);
  const release = value(takeLock(`${at.roots.stateDir}/profile.lock`, holder.pid));
  const refusal = error(apply(at, builtIn("latency")));
  expect(explainProfile(refusal)).toEqual([`process ${holder.pid} changes the profile already`]);
  const off = restoreProfile(at.roots);
  expect(off.failed.map((one) => one.code)).toEqual([`EBUSY, process ${holder.pid} changes it`]);
  expect(value(loadProfile(at.roots))).toMatchObject({ state: "applied", applied: { profile: "powersave" } });
  expect(apply(at, builtIn("latency"), { dryRun: true }).ok).toBe(true);
  release();
  holder.kill();
  expect(restoreProfile(at.roots).failed).toEqual([]);
});

test("verifyProfile() names each attribute that somebody else changed", () => {
  const at = machine("amd-server-4cpu");
  value(apply(at, builtIn("powersave")));
  at.put("cpufreq/policy1/energy_performance_preference", "performance");
  rmSync(at.path("cpufreq/policy3/boost"));
  expect(value(verifyProfile(at.roots)).drift.map(({ path, text, found }) => [path, text, found])).toEqual([
    ["cpufreq/policy3/boost", "0", undefined],
    ["cpufreq/policy1/energy_performance_preference", "power", "performance"],
  ]);
});

test("restoreProfile() goes on past a failure, names it and keeps the originals for another try", () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.path(""));
  value(apply(at, builtIn("powersave")));
  const file = at.path("cpufreq/policy0/scaling_max_freq");
  rmSync(file);
  const first = restoreProfile(at.roots);
  expect(first.failed.map((one) => one.path)).toEqual([file]);
  expect(at.line("cpu7/power/energy_perf_bias")).toBe("6");
  writeFileSync(file, "2400000\n");
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(changed(before, snapshot(at.path("")))).toEqual([]);
});

test("a profile of another boot is forgotten, not restored", () => {
  const at = machine("intel-server-8cpu");
  value(apply(at, builtIn("powersave")));
  const path = profilePath(at.roots.stateDir);
  writeFileSync(path, readFileSync(path, "utf8").replace(BOOT_ID, "another"));
  const after = snapshot(at.path(""));
  expect(value(verifyProfile(at.roots)).state).toBe("stale");
  expect(restoreProfile(at.roots)).toMatchObject({ profile: "powersave", stale: true, restored: [] });
  expect(changed(after, snapshot(at.path("")))).toEqual([]);
});

test.each([
  ["text that is no JSON", "x"],
  ["a list", "[]"],
  [
    "a path out of the tree",
    JSON.stringify({
      bootId: BOOT_ID,
      profile: "p",
      since: "",
      wanted: [],
      originals: [{ path: "../../x", text: "1", knob: "boost" }],
    }),
  ],
  [
    "an unknown knob",
    JSON.stringify({
      bootId: BOOT_ID,
      profile: "p",
      since: "",
      wanted: [],
      originals: [{ path: "x", text: "1", knob: "fan" }],
    }),
  ],
])("loadProfile() refuses %s, and nothing is written by it", (_, text) => {
  const at = machine("intel-server-8cpu");
  value(saveProfile(at.roots, { profile: "p", since: NOW, originals: [], wanted: [] }));
  writeFileSync(profilePath(at.roots.stateDir), text);
  expect(error(loadProfile(at.roots)).code).toBe("EINVAL");
  expect(restoreProfile(at.roots).failed).toHaveLength(1);
  expect(error(apply(at, builtIn("powersave"))).kind).toBe("broken");
});
