// powermon profile: words in, statuses and files out, on machines of files.

import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { claimInstance } from "../../../internal/daemon/instance.ts";
import { SAYS, serve } from "../../control/serve.ts";
import { ask, frame } from "../../helpers/lab.ts";
import { machine } from "../../sysfs/machine.ts";
import { runPowermon } from "./power-main.ts";

const world = (name: string) => {
  const at = machine(name);
  const flags = ["--sysfs-root", at.tree.sys, "--proc-root", at.tree.proc, "--state-dir", at.roots.stateDir];
  return { at, run: (...words: string[]) => runPowermon(["profile", ...words, ...flags]) };
};

test("profile apply, verify, drift, status and off are one round", async () => {
  const { at, run } = world("intel-server-8cpu");
  expect(await run("verify")).toEqual({ status: 0, out: "No profile is in force.", err: "" });
  expect((await run("apply", "powersave", "--dry-run")).out).toMatch(
    /Would be in force: powersave; it changes 25 of the kernel's settings/,
  );
  expect(at.line("intel_pstate/no_turbo")).toBe("0");
  expect(await run("apply", "powersave")).toMatchObject({
    status: 0,
    out: "In force: powersave; it changes 25 of the kernel's settings",
  });
  expect(await run("verify")).toMatchObject({ status: 0 });
  at.put("intel_pstate/no_turbo", "0");
  const drifted = await run("verify");
  expect(drifted.status).toBe(1);
  expect(drifted.out).toMatch(/intel_pstate\/no_turbo +1 +0/);
  const json = JSON.parse((await run("status", "--json")).out);
  expect(json).toMatchObject({ state: "applied", profile: "powersave", held: [] });
  expect(json.drift).toEqual([{ path: "intel_pstate/no_turbo", text: "1", knob: "boost", found: "0" }]);
  expect((await run("off")).out).toMatch(
    /^Profile powersave is off; \d+ of the kernel's settings are as they were before it$/,
  );
  expect(at.line("cpufreq/policy3/scaling_max_freq")).toBe("3700000");
  expect((await run("off")).out).toBe("No profile is in force.");
});

test("profile apply --dry-run shows the steps, turbo first, and limits that are none", async () => {
  const { at, run } = world("intel-server-8cpu");
  at.put("intel_pstate/no_turbo", "1");
  at.put("cpufreq/policy1/scaling_max_freq", "1600000");
  const { out } = await run("apply", "performance", "--dry-run");
  expect(out).toMatch(
    /\nSTEP +ATTRIBUTE +FROM +TO\n1 +intel_pstate\/no_turbo +1 +0\n2 +cpufreq\/policy0\/scaling_governor /,
  );
  expect(out).toMatch(/\n4 +cpufreq\/policy1\/scaling_max_freq +1600000 +no limit\n/);
  expect(out).toContain("\nTurbo moves what clocks can be set to: it is read again after step 1");
  const steps: number[] = JSON.parse(
    (await run("apply", "performance", "--dry-run", "--json")).out,
  ).changes.map(({ step }: { step: number }) => step);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
});

test("profile apply --cpus takes words and refuses CPUs that are not there", async () => {
  const { at, run } = world("intel-server-8cpu");
  expect((await run("apply", "performance", "--cpus", "isolated")).status).toBe(0);
  expect([0, 2].map((n) => at.line(`cpufreq/policy${n}/scaling_governor`))).toEqual([
    "powersave",
    "performance",
  ]);
  expect(await run("apply", "performance", "--cpus", "9")).toMatchObject({
    status: 2,
    err: "powermon: --cpus: CPU 9 is not online.",
  });
  expect((await run("apply", "performance", "--cpus", "vm:web")).err).toContain(
    'no QEMU process runs a VM called "web"',
  );
});

test("profile apply, off, status and verify are done by a running powermon", async () => {
  const { at, run } = world("intel-server-8cpu");
  using control = await serve({
    tree: "acpi-cpufreq-4cpu-independent",
    guests: ["vm1.0"],
    says: {
      ...SAYS,
      profile: { night: { missing: "skip", cpus: { all: { ceiling: 2_000_000, epp: "power" } } } },
    },
  });
  const [vm1] = control.guests;
  if (vm1 !== undefined) await ask(vm1, frame({ step: "max" }));
  const socket = ["--socket", control.socket];
  expect(await run("apply", "night", "--cpus", "0-1", "--dry-run", ...socket)).toEqual({
    status: 0,
    out: expect.stringMatching(
      /^Would be in force: night; it changes 2 of the kernel's settings\nSTEP  ATTRIBUTE[^]*\nLeft out: epp: /,
    ),
    err: "",
  });
  expect((await run("apply", "night", ...socket)).out).toMatch(
    /^In force: night; it changes 4 of the kernel's settings\nLeft out: epp: /,
  );
  expect((await run("apply", "nigt", ...socket)).status).toBe(2);
  expect((await run("status", ...socket)).status).toBe(0);
  expect((await run("verify", ...socket)).status).toBe(0);
  writeFileSync(control.lab.path(0, "scaling_max_freq"), "2600000\n");
  const verified = await run("verify", ...socket);
  expect(verified.status).toBe(1);
  expect(verified.out).toMatch(
    /^Profile night since .*: 1 of its 4 settings is not as it set them\nGuests' claims hold domain 2 within it\n/,
  );
  expect((await run("off", ...socket)).out).toMatch(
    /^Profile night is off; \d+ of the kernel's settings are as they were before it$/,
  );
  expect(JSON.parse(JSON.stringify(control.calls))).toEqual([
    ["applyProfile", { name: "night", cpus: "0-1", dryRun: true }],
    ["applyProfile", { name: "night", dryRun: false }],
    ["applyProfile", { name: "nigt", dryRun: false }],
    ["profileOff", {}],
  ]);
  expect(existsSync(at.roots.stateDir)).toBe(false);
  const file = `${at.tree.root}/p.toml`;
  writeFileSync(file, "");
  expect((await run("apply", "night", "--config", file, ...socket)).err).toContain("powermon reload");
});

test("profile apply never acts alone beside a powermon that does not answer", async () => {
  const { at, run } = world("intel-server-8cpu");
  const instance = claimInstance(at.roots);
  if (!instance.ok) throw new Error(instance.error);
  const ran = await run("apply", "powersave");
  instance.value.release();
  expect(ran.status).toBe(4);
  expect(ran.err).toContain(`${at.roots.stateDir}/control.sock`);
  expect(at.line("intel_pstate/no_turbo")).toBe("0");
  expect((await run("apply", "powersave")).status).toBe(0);
});

test("profile apply names the nearest profile for a typo", async () => {
  const { run } = world("intel-server-8cpu");
  expect(await run("apply", "performence")).toMatchObject({
    status: 2,
    err: 'powermon: there is no profile "performence"; did you mean performance?',
  });
});

test("profile apply on a machine without any knob ends with status 5 and the reasons", async () => {
  const { at } = world("intel-server-8cpu");
  const bare = ["--sysfs-root", `${at.tree.root}/bare`];
  await Bun.write(`${at.tree.root}/bare/devices/system/cpu/online`, "0\n");
  const ran = await runPowermon([
    "profile",
    "apply",
    "balanced",
    ...bare,
    "--proc-root",
    at.tree.proc,
    "--state-dir",
    at.roots.stateDir,
  ]);
  expect(ran.status).toBe(5);
  expect(ran.err).toMatch(/no driver runs/);
});

test("profile list and show tell the built-in ones", async () => {
  const listed = await runPowermon(["profile", "list", "--json"]);
  expect(JSON.parse(listed.out).profiles.map((one: { name: string }) => one.name)).toEqual([
    "performance",
    "balanced",
    "powersave",
    "latency",
  ]);
  expect((await runPowermon(["profile", "show", "latency"])).out).toMatch(/all +latency +9 us$/);
});

test("profile list says what is wrong with a configuration", async () => {
  const { at } = world("intel-server-8cpu");
  const file = `${at.tree.root}/p.toml`;
  writeFileSync(file, "state_dir = 3\n");
  const ran = await runPowermon(["profile", "list", "--config", file]);
  expect(ran.status).toBe(2);
  expect(ran.err).toContain("state_dir");
});
