// Every command an operator would try first, on every machine that was captured or rebuilt: none may trip over an odd one.

import { describe, expect, test } from "bun:test";
import { BUILT_IN } from "../internal/power/profiles/host-profile.ts";
import { runPowermon } from "./cmd/powermon/power-main.ts";
import { ask, frame, Lab } from "./helpers/lab.ts";
import { TREES } from "./helpers/tree.ts";
import { until } from "./helpers/until.ts";
import { changed, snapshot } from "./power/snapshot.ts";
import { machine } from "./sysfs/machine.ts";

/** What a program says that has lost its way. */
const LOST = /undefined|NaN|null|\[object|TypeError|is a bug|Infinity/;
const PINS = { pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 0, 1: 1 } } } };

/** Runs powermon on a machine of files and returns its status and all that it said. */
async function say(roots: readonly string[], ...words: string[]) {
  const { status, out, err } = await runPowermon([...words, ...roots]);
  const said = `${out}\n${err}`;
  expect(said).not.toMatch(LOST);
  return { status, said };
}

/** All of a machine's CPUs. A regular file can't go back to `<unsupported>`, as the kernel's does by itself. */
function settings(sys: string): Record<string, string> {
  const found = Object.entries(snapshot(`${sys}/devices/system/cpu`));
  return Object.fromEntries(found.filter(([path]) => !path.endsWith("/scaling_setspeed")));
}

for (const tree of TREES)
  describe(`on ${tree}`, () => {
    test("check, capabilities and energy tell what is there", async () => {
      const { roots } = machine(tree);
      const flags = ["--sysfs-root", roots.sysfsRoot, "--proc-root", roots.procRoot];
      expect((await say(flags, "check")).said).toContain("cpufreq");
      expect((await say(flags, "check")).status).toBeOneOf([0, 1]);
      for (const format of ["text", "xml", "rfc"])
        expect((await say(flags, "capabilities", "--format", format)).status).toBe(0);
      expect((await say(flags, "energy", "--interval", "0.1")).status).toBeOneOf([0, 5]);
    });

    test("a guest is scaled, explained and forgotten again", async () => {
      const lab = new Lab(tree);
      try {
        const cpus = `${lab.tree.sys}/devices/system/cpu`;
        const [before, first] = [settings(lab.tree.sys), snapshot(cpus)];
        const asks = lab.asks(PINS);
        const vm1 = await lab.guest("vm1.0");
        for (const step of ["min", "up", "max", "down"] as const)
          for (const vcpu of [0, 1]) expect(await ask(vm1, frame({ step, vcpu }))).toBe("ack");
        for (const cpu of [0, 1]) {
          const told = asks.explain({ cpu });
          expect(told.ok && told.value.winner).toMatchObject({ vm: "vm1" });
          expect(Bun.inspect(told)).not.toMatch(/NaN|Infinity/);
        }
        expect(changed(first, snapshot(cpus))).not.toEqual([]);
        vm1.quit();
        await until("all is as it was", () => changed(before, settings(lab.tree.sys)).length === 0);
      } finally {
        lab.end();
      }
    });

    test("each built-in profile is tried, applied, verified and taken off", async () => {
      const { roots } = machine(tree);
      const flags = ["--sysfs-root", roots.sysfsRoot, "--proc-root", roots.procRoot];
      const state = [...flags, "--state-dir", roots.stateDir];
      const before = settings(roots.sysfsRoot);
      for (const { name } of BUILT_IN) {
        expect((await say(state, "profile", "apply", name, "--dry-run")).status).toBe(0);
        expect(changed(before, settings(roots.sysfsRoot))).toEqual([]);
        expect((await say(state, "profile", "apply", name)).status).toBe(0);
        expect((await say(state, "profile", "verify")).status).toBe(0);
        expect((await say(state, "profile", "off")).status).toBe(0);
        expect(changed(before, settings(roots.sysfsRoot))).toEqual([]);
      }
      expect((await say(state, "restore")).status).toBe(0);
    });
  });
