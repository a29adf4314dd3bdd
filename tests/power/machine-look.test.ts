import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { type MachineSample, MachineLook } from "../../internal/power/machine-look.ts";
import { type Cpufreq, openCpufreq } from "../../internal/sysfs/cpufreq/cpufreq.ts";
import { domainId, khz, pcpu } from "../../internal/values/units.ts";
import { Meters } from "../helpers/meters.ts";
import { makeTree, type Tree } from "../helpers/tree.ts";

let tree: Tree;
let meters: Meters;
let cpufreq: Cpufreq;
let look: MachineLook;
let now: number;

beforeEach(() => {
  tree = makeTree("acpi-cpufreq-4cpu-independent");
  meters = new Meters(tree, 4);
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` };
  const opened = openCpufreq(roots);
  if (!opened.ok) throw new Error("the fixture can't be opened");
  cpufreq = opened.value;
  look = new MachineLook(roots, () => cpufreq.domains);
  now = Date.parse("2026-01-02T03:04:05Z");
  setSystemTime(now);
});
afterEach(() => {
  setSystemTime();
  cpufreq.close();
  tree.remove();
});

/** Looks `ms` after the last look. */
function later(ms: number): Promise<MachineSample> {
  setSystemTime((now += ms));
  return look.look();
}
const measured = ({ clocks }: MachineSample) => [...clocks.values()].map(({ measuredKhz }) => measuredKhz);

test("look() counts each CPU's busy time, the package's joules over a wrap, and its temperature", async () => {
  meters.busy([10, 0, 3.5]);
  meters.energy(262_143);
  const first = await look.look();
  expect([...first.busyS]).toEqual([10, 0, 3.5, 0].map((s, cpu) => [pcpu(cpu), s]));
  expect(first.packages).toEqual([{ name: "package-0", joules: 0 }]);
  expect(first.temperatures).toEqual([{ name: "coretemp Package id 0", celsius: 61 }]);
  meters.energy(99);
  const { packages } = await later(1000);
  expect(packages[0]?.joules).toBeCloseTo(262_143.32885 - 262_143 + 99, 3);
});

test("look() reads the machine once for all who ask within a second", async () => {
  const [one, other] = await Promise.all([look.look(), look.look()]);
  expect(other).toBe(one);
  meters.busy([1]);
  expect(await later(800)).toBe(one);
  expect((await later(100)).busyS.get(pcpu(0))).toBe(1);
});

test("look() tells what the kernel holds of unclaimed clocks, and of claimed ones nothing", async () => {
  const [, , claimed] = cpufreq.domains;
  expect(claimed?.set(khz(2_600_000)).ok).toBe(true);
  const { clocks } = await look.look();
  expect(clocks.get(domainId(1))).toEqual({ governor: "userspace", heldKhz: khz(800_000) });
  expect(clocks.get(domainId(2))).toEqual({});
});

test("look() measures busy CPUs alone", async () => {
  for (const domain of [0, 1, 2, 3]) meters.measured(domain, 2_000_000 + domain);
  meters.measured(2, 2_500_000, "cpuinfo_avg_freq");
  // Whether they are busy is not known at the first look.
  expect(measured(await look.look())).toEqual([undefined, undefined, undefined, undefined]);
  meters.busy([0.9, 0.05, 1]);
  const sample = await later(1000);
  expect(sample.measures).toBe(true);
  expect(measured(sample)).toEqual([khz(2_000_000), undefined, khz(2_500_000), undefined]);
});

test.each([
  ["a Linux whose scaling_cur_freq calls other CPUs", "proc/sys/kernel/osrelease", "5.14.0-570.el9"],
  ["a CPU without APERF and MPERF", "proc/cpuinfo", "flags\t\t: fpu ida"],
  ["CPUs without a tick", "sys/devices/system/cpu/nohz_full", "0-3"],
])("look() measures nothing on %s", async (_, file, text) => {
  writeFileSync(`${tree.root}/${file}`, `${text}\n`);
  meters.measured(0, 2_000_000);
  await look.look();
  meters.busy([1]);
  const sample = await later(1000);
  expect(sample.measures).toBe(false);
  expect(measured(sample)).toEqual([undefined, undefined, undefined, undefined]);
});

test("look() does without what is not there", async () => {
  for (const path of ["proc/stat", "sys/class"]) rmSync(`${tree.root}/${path}`, { recursive: true });
  const { busyS, packages, temperatures, clocks } = await look.look();
  expect([busyS.size, packages, temperatures, clocks.size]).toEqual([0, [], [], 4]);
});
