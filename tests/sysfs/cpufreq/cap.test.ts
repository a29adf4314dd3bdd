// A ceiling on a clock that nobody claims, and what claims and the end make of it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { type Cpufreq, type Domain, openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { restoreAll } from "../../../internal/sysfs/cpufreq/originals.ts";
import { domainId, khz } from "../../../internal/values/units.ts";
import { makeMachine, type Machine } from "../../helpers/daemon.ts";
import { changed, snapshot } from "../../power/snapshot.ts";

for (const tree of ["acpi-cpufreq-4cpu-independent", "intel_pstate-active-hwp-6.12"])
  describe(`Domain.cap() on ${tree}`, () => {
    let machine: Machine;
    let cpufreq: Cpufreq;
    let domain: Domain;
    let before: Record<string, string>;
    const roots = () => ({
      sysfsRoot: machine.tree.sys,
      procRoot: machine.tree.proc,
      stateDir: machine.stateDir,
    });
    const now = () => changed(before, snapshot(`${machine.tree.sys}/devices/system/cpu`));
    const open = () => {
      const opened = openCpufreq(roots());
      if (!opened.ok) throw new Error("the fixture can't be opened");
      cpufreq = opened.value;
      domain = cpufreq.domains[0] as Domain;
    };
    const ceiling = () => Number(machine.policy(0, "scaling_max_freq"));
    beforeEach(() => {
      machine = makeMachine(tree);
      open();
      before = snapshot(`${machine.tree.sys}/devices/system/cpu`);
    });
    afterEach(() => {
      cpufreq.close();
      machine.remove();
    });

    test("lowers the upper limit and nothing else, moves it, and restore() takes it back", () => {
      const low = domain.allowed.steps.at(-2) ?? khz(0);
      const high = domain.allowed.steps[1] ?? khz(0);
      for (const to of [low, high, low]) {
        expect(domain.cap(to).ok).toBe(true);
        expect([ceiling(), domain.ceiling, domain.target]).toEqual([to, to, undefined]);
        expect(now()).toHaveLength(1);
      }
      expect(domain.restore().ok).toBe(true);
      expect([domain.ceiling, now()]).toEqual([undefined, []]);
    });

    test("leaves what a claim can get as it was, a look at the machine included", () => {
      const { steps } = domain.allowed;
      domain.cap(steps.at(-2) ?? khz(0));
      domain.reread();
      cpufreq.refresh();
      expect(domain.allowed.steps).toEqual(steps);
    });

    test("gives way to a claim, and stands again when that ends", () => {
      const [, high = khz(0)] = domain.allowed.steps;
      const low = domain.allowed.steps.at(-2) ?? khz(0);
      domain.cap(low);
      expect(domain.set(high)).toEqual({ ok: true, value: high });
      expect(domain.drifted()).toEqual({ ok: true, value: false });
      expect([domain.ceiling, domain.target]).toEqual([undefined, high]);
      expect(ceiling()).toBeGreaterThanOrEqual(high);
      expect(domain.cap(low).ok).toBe(true);
      expect([ceiling(), domain.target]).toEqual([low, undefined]);
      expect(machine.policy(0, "scaling_governor")).toBe(before["cpufreq/policy0/scaling_governor"] ?? "");
      expect(domain.restore().ok).toBe(true);
      expect(now().filter((one) => !one.includes("setspeed"))).toEqual([]);
    });

    test("is put back by whoever comes after a crash", () => {
      domain.cap(domain.allowed.steps.at(-2) ?? khz(0));
      expect(restoreAll(roots()).restored).toEqual([domainId(0)]);
      expect(now()).toEqual([]);
      expect(readdirSync(`${machine.stateDir}/originals`)).toEqual([]);
    });

    test("sees a limit that somebody raised, and sets it again", () => {
      const low = domain.allowed.steps.at(-2) ?? khz(0);
      domain.cap(low);
      expect(domain.drifted()).toEqual({ ok: true, value: false });
      writeFileSync(`${domain.dir}/scaling_max_freq`, `${domain.allowed.steps[0]}\n`);
      expect(domain.drifted()).toEqual({ ok: true, value: true });
      expect(domain.reapply().ok).toBe(true);
      expect(ceiling()).toBe(low);
    });

    test("says so when the kernel does not take it, and changes nothing that it knows", () => {
      const path = `${domain.dir}/scaling_max_freq`;
      const low = domain.allowed.steps.at(-2) ?? khz(0);
      domain.cap(low);
      unlinkSync(path);
      symlinkSync("/dev/full", path);
      expect(domain.cap(domain.allowed.steps[1] ?? khz(0))).toMatchObject({ error: { code: "ENOSPC" } });
      expect(domain.ceiling).toBe(low);
    });
  });
