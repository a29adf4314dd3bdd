// The same commands on a machine's own clocks: librte_power's other environment.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
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
