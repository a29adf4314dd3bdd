// powermon energy: words in, statuses and joules out, on machines of files.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { machine } from "../../sysfs/machine.ts";
import { runPowermon } from "./power-main.ts";

const world = (name: string) => {
  const { tree } = machine(name);
  const flags = ["--sysfs-root", tree.sys, "--proc-root", tree.proc];
  return { tree, run: (...words: string[]) => runPowermon(["energy", ...words, ...flags]) };
};

test("energy tells each meter's joules and a pinned VM's share", async () => {
  const { tree, run } = world("intel-server-8cpu");
  // A machine that works all the time: a joule a step, three quarters of the busy time on the VM's CPUs.
  let step = 0;
  const work = setInterval(() => {
    step++;
    writeFileSync(`${tree.sys}/class/powercap/intel-rapl:0/energy_uj`, `${125_000_000 + step * 1_000_000}\n`);
    const busy = [2, 1, 1, 0].map((n, i) => `cpu${[0, 1, 4, 5][i]} ${600 + n * step} 100 200 0 0 60 40\n`);
    writeFileSync(`${tree.proc}/stat`, busy.join(""));
  }, 5);
  const ran = await run("--interval", "0.3", "--pin", "web:0=0,1=4", "--json");
  clearInterval(work);
  expect(ran).toMatchObject({ status: 0, err: "" });
  const { zones, vms } = JSON.parse(ran.out);
  expect(zones[0].joules).toBeGreaterThan(0);
  expect(vms).toHaveLength(1);
  expect(vms[0]).toMatchObject({ vm: "web", cpus: [0, 4], busyShare: 0.75, by: "cpus", idleJoules: 0 });
  expect(vms[0].joules).toBeCloseTo(zones[0].joules * 0.75, 9);
});

test("energy without a meter ends with status 5 and the reason", async () => {
  const { run } = world("cppc-cpufreq-4cpu");
  const ran = await run();
  expect(ran).toMatchObject({ status: 5, out: "" });
  expect(ran.err).toMatch(/^powermon: this machine shows no energy counter/);
});

test("energy of a board's power sensor shares nothing out", async () => {
  const { run } = world("arm64-server-4cpu");
  const ran = await run("--interval", "0.1", "--pin", "web:0=0");
  expect(ran.out).toMatch(/scmi_sensors board +hwmon0\/power1_input +- +- +38.500$/);
});

test("energy tells zones of one name apart, and a counter of the same energy from another", async () => {
  const two = await world("field-xeon-sst-bf-2s-psys").run("--interval", "0.1");
  expect(two.out).toMatch(/\ndram +intel-rapl:0:0 +package-0 +0/);
  expect(two.out).toMatch(/\ndram +intel-rapl:2:0 +package-1 +0/);
  const twins = await world("field-hybrid-i5-13500").run("--interval", "0.1");
  expect(twins.out).toMatch(/\npackage-0 +intel-rapl:0 +- +0/);
  expect(twins.out).toMatch(/\npackage-0 +intel-rapl-mmio:0 +same as intel-rapl:0 +0/);
});

test("energy --idle-watts tells idle apart, in a column of its own", async () => {
  const { run } = world("field-xeon-sst-bf-2s-psys");
  const ran = await run("--interval", "0.1", "--pin", "web:0=0", "--idle-watts", "40");
  expect(ran.out).toMatch(/METER +ID +PART OF +JOULES +WATTS +IDLE J\n/);
  expect(ran.out).toMatch(/\npackage-0 +intel-rapl:0 +- +0.000 +0.000 +0.000\n/);
  expect(ran.out).toMatch(/\npsys +intel-rapl:1 +- +0.000 +0.000 +-\n/);
  expect(ran.out).toMatch(/VM +JOULES +BOUNDS +WATTS +BUSY SHARE +BY +IDLE J\nweb .* cpus +0.000$/);
  expect((await run("--idle-watts", "2001")).err).toMatch(/--idle-watts must be watts from 0 to 2000/);
});

test.each(["0", "0.05", "9999", "soon"])("energy --interval %s is a usage error", async (interval) => {
  const { run } = world("intel-server-8cpu");
  expect((await run("--interval", interval)).err).toMatch(/--interval must be seconds from 0.1 to 3600/);
});
