// The readers of sleep, idle, energy and place on whole machines and on odd files.

import { expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { writeAccess } from "../../internal/sysfs/access.ts";
import { AttrDir } from "../../internal/sysfs/attr.ts";
import { pathOf } from "../../internal/sysfs/attribute.ts";
import { readEpp } from "../../internal/sysfs/cpufreq/epp.ts";
import { readBoost } from "../../internal/sysfs/cpufreq/boost.ts";
import { parseChoice, readChoice } from "../../internal/sysfs/choice.ts";
import { readCpuPlaces } from "../../internal/sysfs/cpu-place.ts";
import { parseBusyTicks, readBusyTicks } from "../../internal/sysfs/cpu-time.ts";
import { readCpuidle, readIdleStates } from "../../internal/sysfs/cpuidle.ts";
import { readEpb } from "../../internal/sysfs/energy-bias.ts";
import { findSensors, readSensor } from "../../internal/sysfs/hwmon.ts";
import { readNumaNodes } from "../../internal/sysfs/numa.ts";
import { readEnergy, readPowerZones } from "../../internal/sysfs/powercap.ts";
import {
  readPowerState,
  readSuspendStats,
  readWakeSources,
  readWakeIrq,
} from "../../internal/sysfs/power-state.ts";
import { formatResumeLatency, readResumeLatency } from "../../internal/sysfs/resume-latency.ts";
import { lacksRoom, leastImageS, parseFreeSwapKb, readImageRoom } from "../../internal/sysfs/image-room.ts";
import { readUncore } from "../../internal/sysfs/uncore.ts";
import { findWakeClock } from "../../internal/sysfs/wake-alarm.ts";
import { domainId, pcpu } from "../../internal/values/units.ts";
import { error, machine, value } from "./machine.ts";

test("parseChoice() finds all words and the one in brackets", () => {
  expect(parseChoice("s2idle [deep]")).toEqual({ choices: ["s2idle", "deep"], current: "deep" });
  expect(parseChoice("platform  shutdown ")).toEqual({
    choices: ["platform", "shutdown"],
    current: undefined,
  });
});

test("readChoice() is undefined when the attribute is absent and an error when it is a folder", () => {
  const { tree } = machine("intel-server-8cpu");
  mkdirSync(`${tree.sys}/power/odd`);
  const dir = new AttrDir(`${tree.sys}/power`);
  expect(value(readChoice(dir, "nothing"))).toBeUndefined();
  expect(error(readChoice(dir, "odd")).code).toBe("EISDIR");
});

test("readPowerState() tells states, the meaning of mem and the methods of disk", () => {
  expect(value(readPowerState(machine("acpi-cpufreq-4cpu-boost").tree.sys))).toEqual({
    states: ["freeze", "mem", "disk"],
    memSleep: { choices: ["s2idle", "deep"], current: "deep" },
    disk: { choices: ["platform", "shutdown", "reboot", "suspend", "test_resume"], current: "platform" },
  });
  expect(value(readPowerState("/nonexistent"))).toEqual({ states: [], memSleep: undefined, disk: undefined });
});

test("readSuspendStats(), readWakeIrq() and readWakeSources() tell what a sleep left behind", () => {
  const { tree } = machine("intel-server-8cpu");
  expect(value(readSuspendStats(tree.sys))).toMatchObject({ success: 0, fail: 0, failure: { device: "" } });
  expect(readWakeIrq(tree.sys)).toBeUndefined();
  writeFileSync(`${tree.sys}/power/pm_wakeup_irq`, "9\n");
  mkdirSync(`${tree.sys}/class/wakeup/wakeup3`, { recursive: true });
  writeFileSync(`${tree.sys}/class/wakeup/wakeup3/name`, "alarmtimer\n");
  writeFileSync(`${tree.sys}/class/wakeup/wakeup3/event_count`, "4\n");
  expect(readWakeIrq(tree.sys)).toBe(9);
  expect(readWakeSources(tree.sys)).toEqual([{ name: "alarmtimer (wakeup3)", events: 4, device: undefined }]);
  expect(value(readSuspendStats(machine("acpi-cpufreq-2cpu-turbo").tree.sys))).toBeUndefined();
});

test("findWakeClock() passes over clocks that can't wake and prefers the system's", () => {
  const { tree } = machine("intel-server-8cpu");
  const folder = `${tree.sys}/class/rtc`;
  for (const [n, hctosys, alarm] of [
    [1, "0", true],
    [2, "1", false],
  ] as const) {
    mkdirSync(`${folder}/rtc${n}`);
    writeFileSync(`${folder}/rtc${n}/hctosys`, `${hctosys}\n`);
    if (alarm) writeFileSync(`${folder}/rtc${n}/wakealarm`, "");
  }
  expect(value(findWakeClock(tree.sys))?.name).toBe("rtc0");
  rmSync(`${folder}/rtc0`, { recursive: true });
  expect(value(findWakeClock(tree.sys))?.name).toBe("rtc1");
  rmSync(`${folder}/rtc1`, { recursive: true });
  expect(value(findWakeClock(tree.sys))).toBeUndefined();
});

test("WakeClock arms over an older alarm and clears its own", () => {
  const { tree } = machine("intel-server-8cpu");
  const clock = value(findWakeClock(tree.sys));
  if (!clock) throw new Error("no clock");
  expect(value(clock.now())).toBe(1_795_348_351);
  expect(value(clock.alarm())).toBeUndefined();
  value(clock.arm(1_795_348_400));
  expect(value(clock.alarm())).toBe(1_795_348_400);
  value(clock.arm(1_795_348_500));
  expect(value(clock.alarm())).toBe(1_795_348_500);
  value(clock.disarm());
  expect(value(clock.alarm())).toBe(0);
  rmSync(`${clock.path}/since_epoch`);
  expect(error(clock.now()).code).toBe("ENOENT");
});

test("readCpuidle() and readIdleStates() tell driver and states from shallow to deep", () => {
  const { path } = machine("intel-server-8cpu");
  expect(value(readCpuidle(path("")))).toMatchObject({ driver: "intel_idle", governor: "menu" });
  const states = value(readIdleStates(path(""), pcpu(3)));
  expect(states.map((state) => [state.name, state.latencyUs, state.residencyUs])).toEqual([
    ["POLL", 0, 0],
    ["C1", 2, 2],
    ["C1E", 10, 20],
    ["C6", 133, 600],
  ]);
  expect(value(readCpuidle(machine("acpi-cpufreq-4cpu-boost").path("")))?.driver).toBeUndefined();
  expect(value(readCpuidle("/nonexistent"))).toBeUndefined();
});

test.each([
  [undefined, "0"],
  [0, "n/a"],
  [25, "25"],
] as const)("formatResumeLatency() writes %p as %p and readResumeLatency() reads it back", (limit, text) => {
  const { path, put } = machine("intel-server-8cpu");
  expect(formatResumeLatency(limit)).toBe(text);
  put("cpu1/power/pm_qos_resume_latency_us", text);
  expect(value(readResumeLatency(path(""), pcpu(1)))).toEqual({ limitUs: limit });
});

test("readResumeLatency() refuses text that is no limit", () => {
  const { path, put } = machine("intel-server-8cpu");
  put("cpu1/power/pm_qos_resume_latency_us", "soon");
  expect(error(readResumeLatency(path(""), pcpu(1)))).toMatchObject({ op: "parse", value: "soon" });
});

test("readEpp() and readEpb() tell the hints, and nothing where there are none", () => {
  const { path, put } = machine("intel-server-8cpu");
  expect(value(readEpp(path(""), domainId(2)))).toEqual({
    current: "balance_performance",
    choices: ["default", "performance", "balance_performance", "balance_power", "power"],
  });
  expect(value(readEpb(path(""), pcpu(2)))).toBe(6);
  put("cpu2/power/energy_perf_bias", "16");
  expect(error(readEpb(path(""), pcpu(2))).code).toBe("EINVAL");
  const plain = machine("acpi-cpufreq-4cpu-boost");
  expect(value(readEpp(plain.path(""), domainId(0)))).toBeUndefined();
  expect(value(readEpb(plain.path(""), pcpu(0)))).toBeUndefined();
});

test.each([
  ["intel-server-8cpu", ["intel_pstate/no_turbo"], true],
  ["acpi-cpufreq-4cpu-boost", ["cpufreq/boost"], true],
  ["amd-server-4cpu", [0, 1, 2, 3].map((n) => `cpufreq/policy${n}/boost`), true],
  ["cppc-cpufreq-4cpu", [], undefined],
] as const)("readBoost() finds the switches of %s", (name, files, on) => {
  const { path } = machine(name);
  const found = value(readBoost(path(""), [0, 1, 2, 3].map(domainId)));
  expect(found.map((one) => pathOf(one.attribute))).toEqual([...files]);
  expect(found[0]?.on).toBe(on);
});

test("readBoost() reads no_turbo the other way round", () => {
  const { path, put } = machine("intel-server-8cpu");
  put("intel_pstate/no_turbo", "1");
  expect(value(readBoost(path(""), []))[0]).toMatchObject({ on: false, text: { on: "0", off: "1" } });
});

test("readUncore() tells each domain's limits, and an error when one is broken", () => {
  const { path, put } = machine("intel-server-8cpu");
  expect(value(readUncore(path(""))).map((one) => [one.name, one.min, one.max, one.current])).toEqual([
    ["package_00_die_00", 800_000, 2_400_000, 1_800_000],
    ["package_01_die_00", 800_000, 2_400_000, 1_800_000],
  ] as never);
  put("intel_uncore_frequency/package_01_die_00/max_freq_khz", "fast");
  expect(error(readUncore(path(""))).path).toEndWith("package_01_die_00/max_freq_khz");
  expect(value(readUncore(machine("amd-server-4cpu").path("")))).toEqual([]);
});

test("readPowerZones() and readEnergy() tell parents before children, with limits", () => {
  const { tree } = machine("intel-server-8cpu");
  writeFileSync(`${tree.sys}/class/powercap/README`, "not a zone\n");
  const zones = value(readPowerZones(tree.sys));
  expect(zones.map((zone) => `${zone.id} ${zone.name}`)).toEqual([
    "intel-rapl:0 package-0",
    "intel-rapl:0:0 core",
    "intel-rapl:0:1 dram",
    "intel-rapl:1 package-1",
  ]);
  const [first] = zones;
  if (!first) throw new Error("no zone");
  expect(first.limits[0]).toMatchObject({ name: "long_term", limitUw: 250_000_000, windowUs: 999_424 });
  expect(value(readEnergy(first))).toBe(125_000_000);
  rmSync(`${first.path}/energy_uj`);
  expect(error(readEnergy(first)).code).toBe("EINVAL");
  expect(value(readPowerZones("/nonexistent"))).toEqual([]);
});

test("findSensors() and readSensor() tell meters with their labels", () => {
  const { tree } = machine("amd-server-4cpu");
  const sensors = value(findSensors(tree.sys));
  expect(sensors.map((one) => `${one.chip} ${one.label} ${one.kind}`)).toEqual([
    "amd_energy Ecore000 energy",
    "amd_energy Esocket0 energy",
  ]);
  expect(sensors.map((one) => value(readSensor(one)))).toEqual([7_000_000, 4_100_000_000]);
  expect(value(findSensors("/nonexistent"))).toEqual([]);
});

test("readNumaNodes() and readCpuPlaces() tell where CPUs and memory are", () => {
  const { tree, put } = machine("intel-server-8cpu");
  expect(value(readNumaNodes(tree.sys))).toEqual([
    { node: 0, cpus: [0, 1, 4, 5].map(pcpu), memoryKb: 16_331_752 },
    { node: 1, cpus: [2, 3, 6, 7].map(pcpu), memoryKb: 16_777_216 },
  ]);
  put("online", "0-6");
  const places = value(readCpuPlaces(tree.sys));
  expect(places[6]).toEqual({
    cpu: pcpu(6),
    online: true,
    package: 1,
    die: 0,
    core: 2,
    siblings: [2, 6].map(pcpu),
  });
  expect(places[7]?.online).toBe(false);
});

test("parseBusyTicks() leaves out idle, iowait, steal and the guest time that user already has", () => {
  const text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 20 300 4000 5000 60000 700000 8 9 10\nintr 5\n";
  expect([...parseBusyTicks(text)]).toEqual([[pcpu(0), 760_321]]);
});

test("readBusyTicks() is an error when there is no stat or it names no CPU", () => {
  const { tree } = machine("intel-server-8cpu");
  expect(value(readBusyTicks(tree.proc)).get(pcpu(7))).toBe(1000);
  rmSync(`${tree.proc}/stat`);
  expect(error(readBusyTicks(tree.proc)).code).toBe("ENOENT");
  writeFileSync(`${tree.proc}/stat`, "btime 1\n");
  expect(error(readBusyTicks(tree.proc)).code).toBe("EINVAL");
});

test("parseFreeSwapKb() counts what is free and not zram", () => {
  const text =
    "Filename Type Size Used Priority\n/dev/sda2 partition 1000 400 -2\n/dev/zram0 partition 9000 0 100\n";
  expect(parseFreeSwapKb(text)).toBe(600);
  expect(parseFreeSwapKb("Filename Type Size Used Priority\n")).toBe(0);
});

test("readImageRoom() reckons the image from memory in use and image_size, and lacksRoom() holds it against free swap", () => {
  const { tree } = machine("intel-server-8cpu");
  const put = (path: string, text: string) => writeFileSync(`${tree.root}/${path}`, `${text}\n`);
  const swap = (kb: number) =>
    put("proc/swaps", `Filename Type Size Used Priority\n/dev/sda2 partition ${kb} 0 -2`);
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc };
  put("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 5000000 kB\nActive(anon): 1000000 kB");
  put("sys/power/image_size", `${2_000_000 * 1024}`);
  put("sys/power/resume", "8:2");
  swap(3_000_000);
  const room = value(readImageRoom(roots));
  expect(room).toEqual({ freeSwapKb: 3_000_000, anonKb: 1_000_000, imageKb: 2_000_000, resumes: true });
  expect(lacksRoom(room)).toBeUndefined();
  // 60 s, and 2 GB at 50 MB a second.
  expect(leastImageS(room)).toBe(60 + 41);
  swap(8192);
  expect(lacksRoom(value(readImageRoom(roots)))).toBe(
    "free swap is too small for the memory's image: 8 MiB of about 1954",
  );
  put("sys/power/image_size", "0");
  swap(1_000_000);
  expect(lacksRoom(value(readImageRoom(roots)))).toMatch(/977 MiB of about 997/);
  put("sys/power/resume", "0:0");
  expect(value(readImageRoom(roots)).resumes).toBe(false);
  rmSync(`${tree.proc}/swaps`);
  expect(lacksRoom(value(readImageRoom(roots)))).toBe("there is no free swap for the memory's image");
});

test("writeAccess() tells absent, read-only and writable apart, for root too", () => {
  const { path, tree } = machine("intel-server-8cpu");
  expect(writeAccess(path("cpufreq/policy0/scaling_governor"))).toBe("writable");
  expect(writeAccess(path("cpufreq/policy0/scaling_driver"))).toBe("read-only");
  expect(writeAccess(path("cpufreq/policy0/nothing"))).toBe("absent");
  expect(writeAccess(path("online/below"))).toBe("absent");
  symlinkSync("loop", `${tree.root}/loop`);
  expect(writeAccess(`${tree.root}/loop`)).toBe("denied");
});
