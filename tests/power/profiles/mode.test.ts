// The mode of the P-state driver by a profile: the clocks are planned in it, and everything is as it was when it goes, or when it fails.

import { expect } from "bun:test";
import { applyProfile } from "../../../internal/power/profiles/apply.ts";
import { explainProfile } from "../../../internal/power/profiles/outcome.ts";
import { readCpuSets } from "../../../internal/power/profiles/cpu-selector.ts";
import { restoreProfile } from "../../../internal/power/profiles/off.ts";
import { loadProfile } from "../../../internal/power/profiles/store.ts";
import { verifyProfile } from "../../../internal/power/profiles/verify.ts";
import { err } from "../../../internal/values/result.ts";
import { pcpu } from "../../../internal/values/units.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { error, value } from "../../sysfs/machine.ts";
import { changed } from "../snapshot.ts";
import { applyTo, builtIn, own, readings } from "./coupled.ts";

const P0 = "cpufreq/policy0";
/** Each machine with another mode, a governor of it alone, and its status file. */
const SWITCHES = [
  ["intel_pstate-hwp", "passive", "schedutil", "intel_pstate/status"],
  ["intel_pstate-no-hwp", "passive", "schedutil", "intel_pstate/status"],
  ["intel_cpufreq-hwp", "active", "powersave", "intel_pstate/status"],
  ["amd-pstate-active", "guided", "schedutil", "amd_pstate/status"],
  ["amd-pstate-passive", "active", "powersave", "amd_pstate/status"],
] as const;

for (const [name, pstateMode, governor, file] of SWITCHES) {
  const profile = own({ pstateMode, rules: [{ cpus: "all", governor, floor: "base" }] });
  testNeeding(
    ["root and FUSE"],
    `pstateMode ${pstateMode} on ${name} holds whole, and goes whole`,
    async () => {
      const at = await mountMachine(name);
      const before = readings(at);
      const dry = value(applyTo(at, profile, true));
      expect(dry.changes).toMatchObject([{ path: file, text: pstateMode }]);
      expect(dry.warnings).toEqual([expect.stringContaining("planned then")]);
      expect(changed(before, readings(at))).toEqual([]);
      const done = value(applyTo(at, profile));
      expect(done.changes[0]).toMatchObject({ knob: "pstate mode", step: 1 });
      expect(at.read(file)).toBe(pstateMode);
      expect(at.read(`${P0}/scaling_governor`)).toBe(governor);
      expect(value(verifyProfile(at.roots)).drift).toEqual([]);
      expect(value(applyTo(at, profile)).changes).toEqual([]);
      expect(restoreProfile(at.roots).failed).toEqual([]);
      expect(changed(before, readings(at))).toEqual([]);
      expect(value(loadProfile(at.roots))).toEqual({ state: "none" });
    },
  );

  testNeeding(
    ["root and FUSE"],
    `pstateMode ${pstateMode} on ${name} that fails after it is rolled back whole`,
    async () => {
      const at = await mountMachine(name);
      value(applyTo(at, builtIn("powersave")));
      const before = readings(at);
      at.fault("cpufreq/policy1/scaling_min_freq", { write: "EIO" });
      expect(error(applyTo(at, profile))).toMatchObject({ kind: "failed" });
      at.fault("cpufreq/policy1/scaling_min_freq");
      expect(changed(before, readings(at))).toEqual([]);
      expect(value(verifyProfile(at.roots))).toMatchObject({
        state: "applied",
        profile: "powersave",
        drift: [],
      });
    },
  );

  testNeeding(
    ["root and FUSE"],
    `a profile after pstateMode ${pstateMode} on ${name} gives the mode back`,
    async () => {
      const at = await mountMachine(name);
      const before = readings(at);
      const mode = at.read(file);
      value(applyTo(at, profile));
      value(applyTo(at, builtIn("powersave")));
      expect(at.read(file)).toBe(mode);
      expect(value(verifyProfile(at.roots))).toMatchObject({ profile: "powersave", drift: [] });
      expect(restoreProfile(at.roots).failed).toEqual([]);
      expect(changed(before, readings(at))).toEqual([]);
    },
  );
}

testNeeding(["root and FUSE"], "what intel_pstate forgets with its mode is given back", async () => {
  const at = await mountMachine("intel_pstate-hwp");
  at.write("intel_pstate/no_turbo", 1);
  at.write("intel_pstate/max_perf_pct", 60);
  at.write("intel_pstate/min_perf_pct", 30);
  const before = readings(at);
  value(applyTo(at, own({ pstateMode: "passive", rules: [{ cpus: "all", governor: "schedutil" }] })));
  const percent = () =>
    ["no_turbo", "max_perf_pct", "min_perf_pct"].map((one) => at.read(`intel_pstate/${one}`));
  expect(percent()).toEqual(["1", "60", "30"]);
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(percent()).toEqual(["1", "60", "30"]);
  expect(changed(before, readings(at))).toEqual([]);
});

for (const [name, pstateMode, why] of [
  ["acpi-cpufreq-boost", "passive", /neither intel_pstate nor amd_pstate is its driver/],
  ["intel_pstate-hwp", "guided", /intel_pstate has no mode guided: it has active, passive/],
] as const)
  testNeeding(
    ["root and FUSE"],
    `pstateMode ${pstateMode} on ${name} is refused before the first write`,
    async () => {
      const at = await mountMachine(name);
      const before = readings(at);
      expect(explainProfile(error(applyTo(at, own({ pstateMode })))).join()).toMatch(why);
      expect(changed(before, readings(at))).toEqual([]);
    },
  );

testNeeding(["root and FUSE"], "a mode that the driver refuses leaves everything as it was", async () => {
  const at = await mountMachine("intel_pstate-hwp");
  const before = readings(at);
  at.fault("intel_pstate/status", { write: "EBUSY" });
  const refusal = error(applyTo(at, own({ pstateMode: "passive" })));
  expect(refusal).toMatchObject({ kind: "failed", notRolledBack: [] });
  at.fault("intel_pstate/status");
  expect(changed(before, readings(at))).toEqual([]);
  const sets = value(readCpuSets(at.roots.sysfsRoot, () => err("none")));
  const only = { text: "0", cpus: [pcpu(0)] };
  const some = applyProfile(at.roots, own({ pstateMode: "passive" }), {
    sets,
    only,
    now: "2026-07-01T10:00:00.000Z",
  });
  expect(explainProfile(error(some)).join()).toMatch(/only some CPUs were asked for/);
});
