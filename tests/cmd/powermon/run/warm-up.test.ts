// Requests that powermon makes of itself: all are served, and nothing is left of them on the machine.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { warmUp } from "../../../../cmd/powermon/run/warm-up.ts";
import { changed, snapshot } from "../../../power/snapshot.ts";
import { machine } from "../../../sysfs/machine.ts";

test.each(["acpi-cpufreq-4cpu-boost", "intel-pstate-8cpu-smt", "amd-pstate-passive-4cpu"])(
  "warmUp() has every request answered on a copy of %s, and leaves nothing",
  async (tree) => {
    const host = machine(tree);
    const before = snapshot(host.path(""));
    mkdirSync(host.roots.stateDir);
    expect(await warmUp(host.roots, host.open())).toBe(5 * 23);
    expect(changed(before, snapshot(host.path("")))).toEqual([]);
    expect(readdirSync(host.roots.stateDir)).toEqual([]);
  },
);

test("warmUp() does without where there is no clock, or no room for a copy", async () => {
  const none = machine("acpi-cpufreq-4cpu-boost");
  rmSync(none.path("cpufreq"), { recursive: true });
  expect(await warmUp(none.roots, none.open())).toBe(0);
  expect(existsSync(none.roots.stateDir)).toBe(false);
  const host = machine("acpi-cpufreq-4cpu-boost");
  writeFileSync(host.roots.stateDir, "");
  expect(await warmUp(host.roots, host.open())).toBe(0);
});
