// Every command an operator would try first, on every machine that was captured or rebuilt: none may trip over an odd one.

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { BUILT_IN } from "../internal/power/profiles/host-profile.ts";
import { Topology } from "../internal/sysfs/topology.ts";
import { parseCpuList } from "../internal/values/cpulist.ts";
import { runPowermon } from "./cmd/powermon/power-main.ts";
import { ask, frame, Lab } from "./helpers/lab.ts";
import { TREES } from "./helpers/tree.ts";
import { until } from "./helpers/until.ts";
import { changed, snapshot } from "./power/snapshot.ts";
import { machine, value } from "./sysfs/machine.ts";

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
      const { roots, tree: files } = machine(tree);
      const flags = ["--sysfs-root", roots.sysfsRoot, "--proc-root", roots.procRoot];
      mkdirSync(`${files.root}/channels`);
      writeFileSync(
        `${files.root}/powermon.toml`,
        `state_dir = "${roots.stateDir}"\n[channels]\ndirs = ["${files.root}/channels"]\n[control]\nsocket = "${files.root}/control"\ngroup = ""\n`,
      );
      const checked = await say(flags, "check", "--config", `${files.root}/powermon.toml`);
      // Another program of this machine may set its clocks.
      expect(checked.said).not.toMatch(/^problem: (?!rivals)/m);
      // Each CPU is told of once.
      const clocks = [
        ...checked.said.matchAll(/^note: cpufreq: CPUs? (\S+): driver \S+, \d+ domains?, \d+ to \d+ kHz, /gm),
      ];
      const told = clocks.flatMap(([, cpus = ""]) => value(parseCpuList(cpus)));
      expect(told.sort((a, b) => a - b)).toEqual(value(new Topology(roots.sysfsRoot).present()).map(Number));
      for (const format of ["xml", "rfc"])
        expect((await say(flags, "capabilities", "--format", format)).status).toBe(0);
      const can = await say(flags, "capabilities");
      expect(can.status).toBe(0);
      expect(can.said).not.toMatch(/^boost +(-|on) .*(firmware|the CPU)/m);
      const energy = await say(flags, "energy", "--interval", "0.1");
      expect(energy.status).toBeOneOf([0, 5]);
      const ids = [...energy.said.matchAll(/ (intel-rapl\S*|hwmon\d\S*) +(?:-|[a-z])/g)].map(([, id]) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length > 0).toBe(energy.status === 0);
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
