// The same commands on a machine's own clocks: librte_power's other environment.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { makeTree } from "../../helpers/tree.ts";
import { machine } from "../../sysfs/machine.ts";
import { run } from "./run.ts";

async function withTree(
  name: string,
  use: (flags: readonly string[], attribute: (cpu: number, file: string) => string) => Promise<void>,
): Promise<void> {
  const tree = makeTree(name);
  const none = mkdtempSync(`${tmpdir()}/agentless-`);
  const roots = ["--sysfs-root", tree.sys, "--proc-root", tree.proc, "--state-dir", `${tree.root}/state`];
  try {
    await use([...roots, "--agent", `${none}/none.sock`], (cpu, file) => {
      const path = `${tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`;
      return readFileSync(path, "utf8").split("\n")[0] ?? "";
    });
  } finally {
    tree.remove();
    rmSync(none, { recursive: true });
  }
}

test("scale moves this machine's clocks step by step, and release puts them back", async () => {
  await withTree("acpi-cpufreq-4cpu-independent", async (flags, attribute) => {
    const governors = [0, 1, 2, 3].map((cpu) => attribute(cpu, "scaling_governor"));
    const scale = async (step: string, vcpus: string) =>
      await run("scale", step, "--vcpu", vcpus, "--env", "cpufreq", ...flags);
    expect(await scale("min", "1,2")).toEqual({
      status: 0,
      out: "vCPU 1: min done\nvCPU 2: min done",
      err: "",
    });
    expect((await scale("up", "2")).status).toBe(0);
    expect([1, 2].map((cpu) => attribute(cpu, "scaling_setspeed"))).toEqual(["800000", "1000000"]);
    expect(await scale("turbo-on", "2")).toMatchObject({
      status: 3,
      err: "vCPU 2: CPU 2 has no turbo frequencies.",
    });
    expect(await scale("up", "9")).toMatchObject({
      status: 5,
      err: expect.stringContaining("CPU 9 has no clock"),
    });
    const freq = await run("freq", "--vcpu", "1,2", "--env", "cpufreq", "--json", ...flags);
    expect(JSON.parse(freq.out)).toMatchObject({ vmVcpus: 4, vcpus: [{ khz: 800_000 }, { khz: 1_000_000 }] });
    const release = await run("release", "--vcpu", "0-3", "--env", "cpufreq", ...flags);
    expect(release.status).toBe(0);
    expect([0, 1, 2, 3].map((cpu) => attribute(cpu, "scaling_governor"))).toEqual(governors);
  });
});

test("scale moves up at once from a raised minimum that is no step", async () => {
  const { roots, put, line } = machine("amd-pstate-epp-4cpu-smt");
  put("cpufreq/policy0/scaling_min_freq", "1500000");
  const flags = [
    "--sysfs-root",
    roots.sysfsRoot,
    "--proc-root",
    roots.procRoot,
    "--state-dir",
    roots.stateDir,
  ];
  const told: string[] = [];
  for (const step of ["min", "up", "up", "down"]) {
    expect((await run("scale", step, "--vcpu", "0", "--env", "cpufreq", ...flags)).status).toBe(0);
    told.push(line("cpufreq/policy0/scaling_max_freq"));
  }
  expect(told).toEqual(["1500000", "1550000", "1650000", "1550000"]);
});

// each row: steps and what CPU 0 is told by each, kHz; turbo is on from the start where DPDK's librte_power has it so
test.each([
  [
    "acpi-cpufreq-2cpu-turbo",
    "scaling_setspeed",
    "max 2601000, down 2600000, up 2601000, turbo-off 2600000, max 2600000, min 1200000, max 2600000, up 2600000, turbo-on 2601000, min 1200000, max 2601000, turbo-off 2600000",
    "2601000",
  ],
  [
    "intel_pstate-active-hwp-6.12",
    "scaling_max_freq",
    "down 2300000, max 2400000, up 2400000, turbo-on 3700000, min 800000, max 3700000, turbo-off 2400000, max 2400000, turbo-on 3700000",
    "2400000",
  ],
])("scale on %s keeps turbo on or off over commands, until release", async (name, file, steps, first) => {
  await withTree(name, async (flags, attribute) => {
    const after = async (step: string) => {
      const done = await run("scale", step, "--vcpu", "0", "--env", "cpufreq", ...flags);
      expect(done).toMatchObject({ status: 0 });
      return `${step} ${attribute(0, file)}`;
    };
    for (const wanted of steps.split(", ")) expect(await after(wanted.split(" ")[0] ?? "")).toBe(wanted);
    expect((await run("release", "--vcpu", "0", "--env", "cpufreq", ...flags)).status).toBe(0);
    expect(await after("max")).toBe(`max ${first}`);
  });
});

test("a word on turbo of another boot counts no more, and one that is none is named", async () => {
  await withTree("acpi-cpufreq-2cpu-turbo", async (flags, attribute) => {
    const file = `${flags[5]}/turbo/policy0.json`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '{"bootId":"another","turbo":false}');
    const max = () => run("scale", "max", "--vcpu", "0", "--env", "cpufreq", ...flags);
    expect((await max()).status).toBe(0);
    expect(attribute(0, "scaling_setspeed")).toBe("2601000");
    writeFileSync(file, '{"turbo":1}');
    expect(await max()).toMatchObject({ status: 1, err: expect.stringContaining(file) });
  });
});

test("caps shows turbo where the clock has it", async () => {
  await withTree("acpi-cpufreq-2cpu-turbo", async (flags) => {
    const { out } = await run("caps", "--vcpu", "0", "--env", "cpufreq", ...flags);
    expect(out).toMatch(/^VCPU {2}TURBO {2}PRIORITY\n0 {5}yes/);
  });
});

test.each([
  [["--env", "cpufreq"], "cpufreq", "--env cpufreq was given."],
  [["--port-dir", "/nowhere"], "kvm-vm", "--port-dir was given."],
  [["--env", "kvm-vm"], "kvm-vm", "--env kvm-vm was given; "],
])("probe %p says the environment and why", async (words, env, why) => {
  await withTree("acpi-cpufreq-4cpu-independent", async (flags) => {
    const { out } = await run("probe", ...words, ...flags, "--json");
    expect(JSON.parse(out)).toMatchObject({ env, why: expect.stringContaining(why) });
  });
});

test("a policy has no meaning on one's own clocks, and a machine without CPUs is said", async () => {
  await withTree("acpi-cpufreq-4cpu-independent", async (flags) => {
    const policy = "policy send --type BRANCH_RATIO --vcpus 0 --env cpufreq".split(" ");
    expect(await run(...policy, ...flags)).toMatchObject({
      status: 5,
      err: expect.stringContaining("host's to follow"),
    });
    const none = await run("freq", "--env", "cpufreq", "--sysfs-root", "/nowhere");
    expect(none).toMatchObject({ status: 5, err: expect.stringContaining("--env cpufreq needs") });
  });
});
