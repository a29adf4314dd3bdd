// A mounted machine as a test holds it: faults on demand, what the hardware hears, and nothing left behind.

import { expect } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ask, frame, Lab } from "../helpers/lab.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";
import { mountMachine } from "./machine.ts";

const MAX = "cpufreq/policy0/scaling_max_freq";
const EPP = "cpufreq/policy0/energy_performance_preference";
const mounted = (path: string) => readFileSync("/proc/self/mountinfo", "utf8").includes(` ${path} `);
const errnoOf = (ask: () => void): unknown => {
  try {
    ask();
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code;
  }
  return undefined;
};

testNeeding(
  ["root and FUSE"],
  "fault() makes a file fail, swallow or lie until it is taken back",
  async () => {
    const { read, write, fault } = await mountMachine("intel_pstate-hwp");
    fault(MAX, { read: "EIO" });
    expect(errnoOf(() => read(MAX))).toBe("EIO");
    fault(MAX, { write: "EACCES" });
    expect(errnoOf(() => write(MAX, 2_000_000))).toBe("EACCES");
    fault(MAX, { write: "ignored" });
    write(MAX, 2_000_000);
    expect(read(MAX)).toBe("3700000");
    fault(MAX, { text: "<unknown>\n" });
    expect(read(MAX)).toBe("<unknown>");
    fault(MAX);
    write(MAX, 2_000_000);
    expect(read(MAX)).toBe("2000000");
  },
);

testNeeding(
  ["root and FUSE"],
  "setRawEpp() is EINVAL without a word on amd-pstate, a number on intel_pstate",
  async () => {
    const amd = await mountMachine("amd-pstate-epp-powersave-6.12");
    const intel = await mountMachine("intel_pstate-hwp");
    for (const { setRawEpp } of [amd, intel]) setRawEpp(0, 64);
    expect(errnoOf(() => amd.read(EPP))).toBe("EINVAL");
    expect(intel.read(EPP)).toBe("64");
    amd.write(EPP, "power");
    expect(amd.read(EPP)).toBe("power");
  },
);

testNeeding(["root and FUSE"], "late() lets a limit be seen a few readings after its write", async () => {
  const { read, write, late } = await mountMachine("intel_pstate-hwp");
  late(2);
  write(MAX, 2_000_000);
  expect([1, 2, 3].map(() => read(MAX))).toEqual(["3700000", "3700000", "2000000"]);
});

testNeeding(["root and FUSE"], "hw() tells what the processor was asked for", async () => {
  const amd = await mountMachine("amd-pstate-active");
  expect(amd.hw(0)).toEqual({ min: 100, max: 166, desired: 0, epp: 0 });
  amd.write("cpufreq/boost", 0);
  expect(amd.hw(0)).toEqual({ min: 100, max: 100, desired: 0, epp: 0 });
  amd.write("cpu1/online", 0);
  expect(amd.hw(1)).toBeUndefined();
});

testNeeding(
  ["root and FUSE"],
  "a host in this process scales a guest on it and gives everything back",
  async () => {
    const machine = await mountMachine("acpi-cpufreq-boost");
    const lab = new Lab(machine);
    lab.start({ pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 1 } } } });
    const vm1 = await lab.guest("vm1.0");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(machine.read("cpufreq/policy1/scaling_setspeed")).toBe("2600000");
    expect(machine.read("cpufreq/policy0/scaling_setspeed")).toBe("<unsupported>");
    vm1.quit();
    await until("the policy is back", () => machine.read("cpufreq/policy1/scaling_governor") === "schedutil");
    lab.end();
  },
);

testNeeding(
  ["root and FUSE"],
  "files have a page's size, whole content and the kernel's permissions",
  async () => {
    const { sys, read } = await mountMachine("intel_pstate-hwp");
    const file = join(sys, "devices/system/cpu", MAX);
    expect(statSync(file)).toMatchObject({ size: 4096, mode: 0o100644 });
    expect(await Bun.file(file).text()).toBe("3700000\n");
    expect(Bun.spawnSync(["sh", "-c", `echo 2000000 > ${file} && cat ${file}`]).stdout.toString()).toBe(
      "2000000\n",
    );
    expect(errnoOf(() => read("cpufreq/policy7/scaling_max_freq"))).toBe("ENOENT");
  },
);

testNeeding(["root and FUSE"], "remove() leaves neither mount nor files", async () => {
  const { sys, root, remove } = await mountMachine("cppc_cpufreq");
  const mount = join(sys, "..");
  expect(mounted(mount)).toBe(true);
  await remove();
  expect(mounted(mount)).toBe(false);
  expect(existsSync(root)).toBe(false);
});

testNeeding(["root and FUSE"], "a killed test leaves neither mount nor files", async () => {
  const module = join(import.meta.dir, "machine.ts");
  const code = `const { startMachine } = await import(${JSON.stringify(module)});
    console.log((await startMachine("cppc_cpufreq")).root); setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const root = new TextDecoder().decode(value).trim();
  expect(mounted(join(root, "machine"))).toBe(true);
  child.kill("SIGKILL");
  await until("the machine is gone", () => !mounted(join(root, "machine")) && !existsSync(root));
});
