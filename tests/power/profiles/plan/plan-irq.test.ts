// Interrupts kept from the CPUs of VMs: moved, verified and put back; those that the kernel keeps are named and harm nobody.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { applyProfile } from "../../../../internal/power/profiles/apply.ts";
import { explainProfile } from "../../../../internal/power/profiles/outcome.ts";
import { readCpuSets } from "../../../../internal/power/profiles/cpu-selector.ts";
import { restoreProfile } from "../../../../internal/power/profiles/off.ts";
import { verifyProfile } from "../../../../internal/power/profiles/verify.ts";
import type { Roots } from "../../../../internal/sysfs/cpufreq/originals.ts";
import { err } from "../../../../internal/values/result.ts";
import { pcpu } from "../../../../internal/values/units.ts";
import { testNeeding } from "../../../helpers/needing.ts";
import { mountMachine } from "../../../kernel/machine.ts";
import { error, machine, value } from "../../../sysfs/machine.ts";
import { own } from "../coupled.ts";

const PROFILE = own({ irq: "housekeeping" });
/** CPUs 2, 3, 6 and 7 are isolated; VMs are pinned to `pinned`. */
const apply = (roots: Roots, pinned: readonly number[] = [], dryRun = false) =>
  applyProfile(roots, PROFILE, {
    sets: value(
      readCpuSets(
        roots.sysfsRoot,
        () => err("none"),
        () => pinned.map(pcpu),
      ),
    ),
    dryRun,
    now: "2026-07-01T10:00:00.000Z",
  });

/** Returns what each interrupt says, and those to come. */
function irqs(proc: string): Record<string, string> {
  const line = (path: string) => readFileSync(`${proc}/irq/${path}`, "utf8").split("\n", 1)[0] ?? "";
  const numbers = readdirSync(`${proc}/irq`).filter((name) => /^\d+$/.test(name));
  return {
    default: line("default_smp_affinity"),
    ...Object.fromEntries(numbers.map((irq) => [irq, line(`${irq}/smp_affinity_list`)])),
  };
}
const BEFORE = { default: "ff", 9: "0-7", 24: "2", 25: "0-1", 26: "6-7" };

test("planIrq() leaves each interrupt the CPUs that are nobody's, and gives it all of these where it had none", () => {
  const at = machine("intel-server-8cpu");
  expect(irqs(at.tree.proc)).toEqual(BEFORE);
  expect(value(apply(at.roots, [5], true)).changes).toHaveLength(4);
  expect(irqs(at.tree.proc)).toEqual(BEFORE);
  expect(value(apply(at.roots, [5])).warnings).toEqual([]);
  expect(irqs(at.tree.proc)).toEqual({
    default: "00000013",
    9: "0-1,4",
    24: "0-1,4",
    25: "0-1",
    26: "0-1,4",
  });
  expect(value(verifyProfile(at.roots))).toMatchObject({ state: "applied", drift: [] });
  writeFileSync(`${at.tree.proc}/irq/25/smp_affinity_list`, "3\n");
  expect(value(verifyProfile(at.roots)).drift).toMatchObject([{ knob: "irq", text: "0-1", found: "3" }]);
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(irqs(at.tree.proc)).toEqual({ ...BEFORE, default: "000000ff" });
});

test("planIrq() works by what was there before the profile, so that a VM that has gone frees its CPUs", () => {
  const at = machine("intel-server-8cpu");
  value(apply(at.roots, [0, 1]));
  expect(irqs(at.tree.proc)).toMatchObject({ 9: "4-5", 25: "4-5" });
  value(apply(at.roots));
  expect(irqs(at.tree.proc)).toMatchObject({ 9: "0-1,4-5", 25: "0-1" });
});

test("an interrupt that has gone is no drift and nothing to put back", () => {
  const at = machine("intel-server-8cpu");
  value(apply(at.roots));
  rmSync(`${at.tree.proc}/irq/24`, { recursive: true });
  expect(value(verifyProfile(at.roots)).drift).toEqual([]);
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(irqs(at.tree.proc)).toMatchObject({ 9: "0-7", 25: "0-1", 26: "6-7" });
});

test("irqbalance is told of, with the CPUs that it must leave alone", () => {
  const at = machine("intel-server-8cpu");
  mkdirSync(`${at.tree.proc}/812`);
  writeFileSync(`${at.tree.proc}/812/comm`, "irqbalance\n");
  const { warnings } = value(apply(at.roots, [5], true));
  expect(warnings).toEqual([
    expect.stringMatching(/^irqbalance runs \(process 812\).*IRQBALANCE_BANNED_CPULIST=2-3,5-7\.$/),
  ]);
});

test.each([
  [[0, 1, 4, 5], /every CPU is isolated, or has a VM pinned to it/],
  [[], /it shows no interrupts in \/proc\/irq/],
])("planIrq() is lacking while VMs are pinned to %j", (pinned, why) => {
  const at = machine("intel-server-8cpu");
  if (pinned.length === 0) rmSync(`${at.tree.proc}/irq`, { recursive: true });
  expect(explainProfile(error(apply(at.roots, pinned))).join("\n")).toMatch(why);
});

testNeeding(
  ["root and FUSE"],
  "interrupts that the kernel keeps are named, and the rest is in force",
  async () => {
    const mounted = await mountMachine("intel-server-8cpu");
    mounted.fault("proc/irq/26/smp_affinity_list", { write: "EIO" });
    mounted.fault("proc/irq/24/smp_affinity_list", { write: "EPERM" });
    const done = value(apply(mounted.roots));
    expect(done.left).toEqual([]);
    expect(done.warnings).toEqual([
      expect.stringMatching(/^Interrupts 24, 26 can't be moved: .*\(EPERM, EIO\)\.$/),
    ]);
    expect(mounted.read("proc/irq/9/smp_affinity_list")).toBe("0-1,4-5");
    expect(value(verifyProfile(mounted.roots)).drift).toEqual([]);
    expect(restoreProfile(mounted.roots).failed).toEqual([]);
    expect(mounted.read("proc/irq/9/smp_affinity_list")).toBe("0-7");
  },
);

testNeeding(["root and FUSE"], "an interrupt that fails otherwise rolls everything back", async () => {
  const mounted = await mountMachine("intel-server-8cpu");
  mounted.fault("proc/irq/26/smp_affinity_list", { write: "EINVAL" });
  expect(error(apply(mounted.roots))).toMatchObject({ kind: "failed", notRolledBack: [] });
  expect(mounted.read("proc/irq/9/smp_affinity_list")).toBe("0-7");
  expect(mounted.read("proc/irq/default_smp_affinity")).toBe("000000ff");
});
