// Joules from counters and whose they are: by rule, at the wrap, and on machines of files.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  attribute,
  energyGained,
  type EnergySample,
  type EnergyZone,
  zoneEnergies,
} from "../../../internal/power/energy/energy.ts";
import {
  explainMeter,
  explainNoMeter,
  openEnergyMeter,
} from "../../../internal/power/energy/energy-meter.ts";
import { readVmTime, usedBetween } from "../../../internal/power/energy/vm-time.ts";
import { findRunningVms, type RunningVm } from "../../../internal/power/running-vms.ts";
import { pcpu } from "../../../internal/values/units.ts";
import { error, machine, value } from "../../sysfs/machine.ts";

test.each([
  [100, 250, 1000, 150],
  [100, 100, 1000, 0],
  [900, 50, 1000, 150],
  [1000, 0, 1000, 0],
  [900, 50, undefined, undefined],
  [1200, 50, 1000, undefined],
] as const)("energyGained() from %p to %p with wrap at %p is %p", (before, after, max, gained) => {
  expect(energyGained(before, after, max)).toBe(gained as never);
});

const ZONES: EnergyZone[] = [
  { id: "a", name: "package-0", package: 0, cpus: [0, 1].map(pcpu), maxUj: 1e12 },
  { id: "b", name: "package-1", package: 1, cpus: [2, 3].map(pcpu), maxUj: 1e12 },
  { id: "c", name: "core", package: undefined, maxUj: 1e12 },
];
const sample = (atMs: number, energyUj: number[], ticks: number[]): EnergySample => ({
  atMs,
  energyUj: new Map(energyUj.map((uj, i) => [ZONES[i]?.id ?? "", uj])),
  busyTicks: new Map(ticks.map((n, cpu) => [pcpu(cpu), n])),
});
/** Ten seconds: 100 J and 40 J in the packages, 80 J in the cores of one. */
const FROM = sample(0, [0, 0, 0], [1000, 1000, 1000, 1000]);
const TO = sample(10_000, [100e6, 40e6, 80e6], [1750, 1250, 1000, 1500]);

interface Vm {
  readonly vm: string;
  readonly cpus: readonly number[];
  /** ms by CPU; absent for one whose process is not known. */
  readonly ran?: Readonly<Record<number, number>>;
}
const share = (vms: readonly Vm[], to = TO, idleW?: number) =>
  attribute(
    zoneEnergies(ZONES, FROM, to, idleW),
    FROM,
    to,
    vms.map(({ vm, cpus, ran }) => ({
      vm,
      cpus: cpus.map(pcpu),
      usedMs: ran && new Map(Object.entries(ran).map(([cpu, ms]) => [pcpu(Number(cpu)), ms])),
    })),
  );

test("zoneEnergies() are joules and watts; a zone that one look lacks is left out", () => {
  expect(zoneEnergies(ZONES, FROM, TO).map((one) => [one.name, one.joules, one.watts])).toEqual([
    ["package-0", 100, 10],
    ["package-1", 40, 4],
    ["core", 80, 8],
  ]);
  expect(zoneEnergies(ZONES, sample(0, [0], []), TO).map((one) => one.name)).toEqual(["package-0"]);
});

test("attribute() shares each package by busy time, within bounds of a tick a CPU", () => {
  const [web, db] = share([
    { vm: "web", cpus: [0] },
    { vm: "db", cpus: [1, 3] },
  ]);
  expect(web).toMatchObject({ joules: 75, watts: 7.5, busyShare: 0.75 });
  expect(web?.leastJoules).toBeCloseTo((100 * 749) / 1000, 9);
  expect(web?.mostJoules).toBeCloseTo((100 * 751) / 1000, 9);
  expect(db).toMatchObject({ joules: 25 + 40, busyShare: 0.5 });
});

test("attribute() never gives out more than there is, whoever shares a CPU", () => {
  const vms = share([
    { vm: "a", cpus: [0, 1] },
    { vm: "b", cpus: [0] },
    { vm: "c", cpus: [2, 3] },
  ]);
  expect(vms.map((one) => one.joules)).toEqual([62.5, 37.5, 40]);
  for (const { leastJoules, joules, mostJoules } of vms) {
    expect(leastJoules).toBeLessThanOrEqual(joules);
    expect(mostJoules).toBeGreaterThanOrEqual(joules);
  }
});

test("attribute() goes by the time of vCPUs' threads, of VMs that float too", () => {
  // 10 s of package 0, 7.5 s on CPU 0; half of all busy time is the floating VM's.
  const [web, db] = share([
    { vm: "web", cpus: [], ran: { 0: 4000, 1: 1000, 3: 500 } },
    { vm: "db", cpus: [1], ran: { 1: 1500 } },
  ]);
  expect(web).toMatchObject({ joules: 50 + 4, by: "threads", cpus: [], busyShare: 5500 / 15_000 });
  expect(web?.leastJoules).toBeCloseTo((100 * 5000) / 10_020 + (40 * 500) / 5020, 9);
  expect(web?.mostJoules).toBeCloseTo((100 * 5000) / 9980 + (40 * 500) / 4980, 9);
  expect(db).toMatchObject({ joules: 15, by: "threads", busyShare: 0.15 });
});

test("attribute() never gives out more than there is when threads ran longer than the ticks say", () => {
  const vms = share([
    { vm: "a", cpus: [], ran: { 0: 9000 } },
    { vm: "b", cpus: [1] },
  ]);
  expect(vms.map((one) => one.joules)).toEqual([(100 * 9000) / 11_500, (100 * 2500) / 11_500]);
});

test("attribute() shares what is above idle, and tells idle by the CPUs that VMs are pinned to", () => {
  // 2 W of each package are 20 J of its 100, and of its 40.
  const [web, free] = share(
    [
      { vm: "web", cpus: [0], ran: { 0: 5000 } },
      { vm: "free", cpus: [], ran: { 3: 2500 } },
    ],
    TO,
    2,
  );
  expect(web).toMatchObject({ joules: 40, idleJoules: 10 });
  expect(free).toMatchObject({ joules: 10, idleJoules: 0 });
  expect(zoneEnergies(ZONES, FROM, TO, 50).map(({ idleJoules }) => idleJoules)).toEqual([100, 40, undefined]);
});

test("attribute() gives nothing of a package that nobody used, and nothing to a VM whose CPUs are unknown", () => {
  const idle = sample(10_000, [100e6, 40e6, 80e6], [1000, 1000, 1000, 1500]);
  expect(
    share(
      [
        { vm: "web", cpus: [0] },
        { vm: "far", cpus: [9] },
      ],
      idle,
    ).map((one) => one.joules),
  ).toEqual([0, 0]);
});

test("openEnergyMeter() counts RAPL's packages once, over a wrap, and attributes nothing else", () => {
  const { tree } = machine("intel-server-8cpu");
  const meter = value(openEnergyMeter({ sysfsRoot: tree.sys, procRoot: tree.proc }));
  expect(meter.zones.map((zone) => [zone.name, zone.package])).toEqual([
    ["package-0", 0],
    ["core", undefined],
    ["dram", undefined],
    ["package-1", 1],
  ]);
  const from = value(meter.sample(0));
  // 328 850 uJ before the end of the counter, and 671 150 after it.
  writeFileSync(`${tree.sys}/class/powercap/intel-rapl:1/energy_uj`, "671150\n");
  const to = value(meter.sample(500));
  expect(zoneEnergies(meter.zones, from, to).map((one) => [one.name, one.joules, one.watts])).toEqual([
    ["package-0", 0, 0],
    ["core", 0, 0],
    ["dram", 0, 0],
    ["package-1", 1, 2],
  ]);
  expect(meter.zones.at(-1)?.cpus).toEqual([2, 3, 6, 7].map(pcpu));
});

test("openEnergyMeter() does not count a socket twice when RAPL and amd_energy both meter it", () => {
  const both = machine("amd-server-4cpu");
  const roots = { sysfsRoot: both.tree.sys, procRoot: both.tree.proc };
  const whole = () =>
    value(openEnergyMeter(roots))
      .zones.filter((zone) => zone.package === 0)
      .map((zone) => zone.name);
  expect(whole()).toEqual(["package-0"]);
  rmSync(`${both.tree.sys}/class/powercap`, { recursive: true });
  expect(whole()).toEqual(["amd_energy Esocket0"]);
});

test("openEnergyMeter() tells parts and twins by their ids, and attributes a package to its first counter", () => {
  const told = (name: string) => {
    const { tree } = machine(name);
    const meter = value(openEnergyMeter({ sysfsRoot: tree.sys, procRoot: tree.proc }));
    return meter.zones.map(({ id, name, parent, sameAs, package: home }) => [id, name, parent, sameAs, home]);
  };
  expect(told("field-xeon-sst-bf-2s-psys")).toEqual([
    ["intel-rapl:0", "package-0", undefined, undefined, 0],
    ["intel-rapl:0:0", "dram", "intel-rapl:0", undefined, undefined],
    ["intel-rapl:1", "psys", undefined, undefined, undefined],
    ["intel-rapl:2", "package-1", undefined, undefined, 1],
    ["intel-rapl:2:0", "dram", "intel-rapl:2", undefined, undefined],
  ]);
  expect(told("field-hybrid-i5-13500")).toEqual([
    ["intel-rapl:0", "package-0", undefined, undefined, 0],
    ["intel-rapl:0:0", "core", "intel-rapl:0", undefined, undefined],
    ["intel-rapl:1", "psys", undefined, undefined, undefined],
    ["intel-rapl-mmio:0", "package-0", undefined, "intel-rapl:0", undefined],
  ]);
  expect(told("amd-server-4cpu").at(-1)).toEqual([
    "hwmon0/energy5_input",
    "amd_energy Esocket0",
    undefined,
    "intel-rapl:0",
    undefined,
  ]);
});

test("openEnergyMeter() gives each die's joules to the CPUs of that die, and a package counted beside them to nobody", () => {
  const { tree } = machine("intel-server-8cpu");
  const name = (id: string, text: string) =>
    writeFileSync(`${tree.sys}/class/powercap/${id}/name`, `${text}\n`);
  const zones = () => value(openEnergyMeter({ sysfsRoot: tree.sys, procRoot: tree.proc })).zones;
  const cpus = [0, 1, 4, 5];
  for (const [n, cpu] of cpus.entries())
    writeFileSync(`${tree.sys}/devices/system/cpu/cpu${cpu}/topology/die_id`, `${n % 2}\n`);
  name("intel-rapl:0", "package-0-die-0");
  name("intel-rapl:1", "package-0-die-1");
  const whole = (one: EnergyZone) => [one.name, one.package, one.die, one.cpus];
  expect(
    zones()
      .filter((one) => one.cpus !== undefined)
      .map(whole),
  ).toEqual([
    ["package-0-die-0", 0, 0, [0, 4].map(pcpu)],
    ["package-0-die-1", 0, 1, [1, 5].map(pcpu)],
  ]);
  name("intel-rapl:1", "package-0");
  expect(
    zones()
      .filter((one) => one.cpus !== undefined)
      .map(whole),
  ).toEqual([["package-0-die-0", 0, 0, [0, 4].map(pcpu)]]);
  // 30 J with half of the time is 15 J.
  const die = { id: "d", name: "package-0-die-0", package: 0, die: 0, cpus: [pcpu(0), pcpu(1)], maxUj: 1e12 };
  const look = (atMs: number, uj: number, ticks: number): EnergySample => ({
    atMs,
    energyUj: new Map([["d", uj]]),
    busyTicks: new Map([0, 1].map((cpu) => [pcpu(cpu), ticks])),
  });
  const [from, to] = [look(0, 0, 0), look(1000, 30e6, 100)];
  const [vm] = attribute(zoneEnergies([die], from, to), from, to, [
    { vm: "web", cpus: [pcpu(0)], usedMs: new Map([[pcpu(0), 1000]]) },
  ]);
  expect(vm?.joules).toBe(15);
});

test("usedBetween() counts what threads ran, half for either CPU when one has moved", () => {
  const { tree } = machine("intel-server-8cpu");
  const put = (tid: number, ns: number, cpu: number) => {
    mkdirSync(`${tree.proc}/40/task/${tid}`, { recursive: true });
    writeFileSync(`${tree.proc}/40/task/${tid}/comm`, `CPU ${tid - 41}/KVM\n`);
    writeFileSync(`${tree.proc}/40/task/${tid}/schedstat`, `${ns} 5 6\n`);
    const fields = ["S", ...Array.from({ length: 35 }, () => "0"), cpu, "0"].join(" ");
    writeFileSync(`${tree.proc}/40/task/${tid}/stat`, `${tid} (CPU ${tid - 41}/KVM) ${fields}\n`);
  };
  mkdirSync(`${tree.proc}/40`, { recursive: true });
  writeFileSync(`${tree.proc}/40/comm`, "qemu-system-x86\n");
  writeFileSync(`${tree.proc}/40/cmdline`, "qemu-system-x86_64\0-name\0guest=web\0");
  put(41, 1_000_000_000, 2);
  put(42, 5_000_000_000, 0);
  const look = () => {
    const [vm] = findRunningVms(tree.proc);
    return readVmTime(tree.proc, vm as RunningVm);
  };
  const from = look();
  put(41, 1_250_000_000, 2);
  put(42, 5_100_000_000, 3);
  put(43, 9_000_000_000, 1);
  expect(usedBetween(from, look())).toEqual(
    new Map(
      [
        [2, 250],
        [0, 50],
        [3, 50],
      ].map(([c, ms]) => [pcpu(c as number), ms as number]),
    ),
  );
});

test("explainMeter() says what to do about a counter that is root's alone, and of no other failure", () => {
  const failed = (code: string, path: string) =>
    explainMeter({ kind: "sysfs", op: "read", path: `/sys/class/${path}`, code });
  expect(failed("EACCES", "powercap/intel-rapl:0/energy_uj")).toBe(
    `Cannot read "/sys/class/powercap/intel-rapl:0/energy_uj": EACCES: since Linux 5.10 these counters are root's alone; run this as root`,
  );
  expect(failed("EIO", "powercap/intel-rapl:0/energy_uj")).toEndWith(": EIO");
  expect(failed("EACCES", "hwmon")).toEndWith(": EACCES");
});

test("openEnergyMeter() shows a board's power and makes no joules of it", () => {
  const { tree } = machine("arm64-server-4cpu");
  const meter = value(openEnergyMeter({ sysfsRoot: tree.sys, procRoot: tree.proc }));
  expect(meter.zones).toEqual([]);
  expect(meter.readings()).toEqual([{ id: "hwmon0/power1_input", name: "scmi_sensors board", watts: 38.5 }]);
});

test("openEnergyMeter() says why there is no meter", () => {
  const { tree } = machine("cppc-cpufreq-4cpu");
  const none = error(openEnergyMeter({ sysfsRoot: tree.sys, procRoot: tree.proc }));
  expect(none.kind).toBe("no-sensor");
  expect(explainNoMeter(none)).toMatch(/no energy counter.*class\/powercap.*class\/hwmon/);
});

test("EnergyMeter leaves out a zone that went away and fails without /proc/stat", () => {
  const { tree } = machine("intel-server-8cpu");
  const meter = value(openEnergyMeter({ sysfsRoot: tree.sys, procRoot: tree.proc }));
  rmSync(`${tree.sys}/class/powercap/intel-rapl:0:1`, { recursive: true });
  expect([...value(meter.sample(0)).energyUj.keys()]).toEqual([
    "intel-rapl:0",
    "intel-rapl:0:0",
    "intel-rapl:1",
  ]);
  expect(readFileSync(`${tree.proc}/stat`, "utf8")).toStartWith("cpu ");
  rmSync(`${tree.proc}/stat`);
  expect(error(meter.sample(0)).path).toEndWith("/stat");
});
