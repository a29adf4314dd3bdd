// powermon restore: after a crash the guests' clocks go back first, then the profile beneath them.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { DryRunReport } from "../../../internal/api/dry-run.ts";
import { khz } from "../../../internal/values/units.ts";
import { join } from "node:path";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { changed, snapshot } from "../../power/snapshot.ts";
import { domain, machine, value } from "../../sysfs/machine.ts";
import { runPowermon } from "./power-main.ts";

/** A machine with profile powersave in force and a claim on policy 2, left by a powermon that crashed. */
async function crashed() {
  const at = machine("acpi-cpufreq-4cpu-boost");
  const flags = ["--sysfs-root", at.tree.sys, "--proc-root", at.tree.proc, "--state-dir", at.roots.stateDir];
  const run = (...words: string[]) => runPowermon([...words, ...flags]);
  const before = snapshot(at.path(""));
  expect((await run("profile", "apply", "powersave")).status).toBe(0);
  const cpufreq = at.open();
  value(domain(cpufreq, 2).set(khz(800_000)));
  cpufreq.close();
  return { at, run, before };
}

test("restore puts clocks and profile back, once", async () => {
  const { at, run, before } = await crashed();
  expect(changed(before, snapshot(at.path(""))).length).toBeGreaterThan(1);
  expect(await run("restore")).toEqual({
    status: 0,
    out: "policy2: restored\nprofile powersave: off",
    err: "",
  });
  expect(changed(before, snapshot(at.path("")))).toEqual([]);
  expect((await run("restore")).out).toBe("Nothing to restore.");
});

test("restore --dry-run tells what restore then does, and touches nothing", async () => {
  const { at, run } = await crashed();
  const files = () => [snapshot(at.path("")), snapshot(at.roots.stateDir)];
  const before = files();
  const { status, out } = await run("restore", "--dry-run", "--json");
  expect(status).toBe(0);
  expect(files()).toEqual(before);
  const { changes, warnings } = JSON.parse(out) as DryRunReport;
  expect(warnings).toEqual([]);
  expect(changes).toContainEqual({ what: "profile in force", before: "powersave" });
  expect((await run("restore", "--dry-run")).out.split("\n").length).toBe(changes.length);
  expect((await run("restore")).status).toBe(0);
  const written = new Map(
    changes.map(({ what, after }) => [what.startsWith("/") ? what : at.path(what), after]),
  );
  written.delete(at.path("profile in force"));
  expect(written.size).toBeGreaterThan(4);
  for (const [path, after] of written)
    expect(`${path} ${readFileSync(path, "utf8").trim()}`).toBe(`${path} ${after}`);
  const moved = changed(before[0] ?? {}, snapshot(at.path(""))).map((line) =>
    at.path(line.split(":")[0] ?? ""),
  );
  expect(moved.filter((path) => !written.has(path))).toEqual([]);
  expect((await run("restore", "--dry-run")).out).toBe("Nothing would change.");
});

test("restore --dry-run names a clock that can't be read, and ends as restore would", async () => {
  const { at, run } = await crashed();
  const governor = at.path("cpufreq/policy2/scaling_governor");
  rmSync(governor);
  mkdirSync(governor);
  const failed = await run("restore", "--dry-run");
  expect(failed.status).toBe(1);
  expect(failed.out).toContain("policy2/scaling_governor");
});

test("restore leaves the profile until the claims on it are gone", async () => {
  const { at, run, before } = await crashed();
  const governor = at.path("cpufreq/policy2/scaling_governor");
  const text = readFileSync(governor, "utf8");
  rmSync(governor);
  mkdirSync(governor);
  const failed = await run("restore", "--json");
  expect(failed.status).toBe(1);
  expect(JSON.parse(failed.out)).toEqual({
    hung: [],
    limits: [],
    restored: [],
    sleep: [],
    stale: [],
    failed: [expect.stringContaining("policy2/scaling_governor")],
  });
  rmSync(governor, { recursive: true });
  writeFileSync(governor, text);
  expect(JSON.parse((await run("restore", "--json")).out)).toMatchObject({
    restored: [2],
    profile: "powersave",
  });
  expect(changed(before, snapshot(at.path("")))).toEqual([]);
});

test("restore drops a profile of another boot", async () => {
  const { at, run } = await crashed();
  writeFileSync(`${at.tree.proc}/sys/kernel/random/boot_id`, "00000000-0000-0000-0000-000000000000\n");
  expect((await run("restore")).out).toBe(
    "policy2: saved before the last boot, dropped\nprofile powersave: saved before the last boot, dropped",
  );
});

for (const [name, file, off, on] of [
  ["intel_pstate-hwp", "intel_pstate/no_turbo", 1, 0],
  ["amd-pstate-active", "cpufreq/boost", 0, 1],
] as const)
  testNeeding(
    ["root and FUSE"],
    `restore on ${name} after SIGKILL leaves no limit of turbo's absence`,
    async () => {
      const at = await mountMachine(name);
      const read = () => ["min", "max"].map((end) => at.read(`cpufreq/policy1/scaling_${end}_freq`));
      const before = read();
      at.write(file, off);
      const cpufreq = join(import.meta.dir, "../../../internal/sysfs/cpufreq/cpufreq.ts");
      const script = `
      import { openCpufreq } from ${JSON.stringify(cpufreq)};
      for (const domain of openCpufreq(${JSON.stringify(at.roots)}).value.domains) domain.set(1000000);
      process.kill(process.pid, "SIGKILL");`;
      const child = Bun.spawn([process.execPath, "-e", script]);
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL");
      expect(new Set(read()).size).toBe(1);
      const restored = await runPowermon(["restore", ...at.flags, ...at.stateFlags]);
      expect(restored).toEqual({ status: 0, out: "policy0: restored\npolicy1: restored", err: "" });
      at.write(file, on);
      expect(read()).toEqual(before);
    },
  );
