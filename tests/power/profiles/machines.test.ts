// Every built-in profile on every machine whose files move each other: applied from plain and from each other, verified, read, taken back.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BUILT_IN, type HostProfile } from "../../../internal/power/profiles/host-profile.ts";
import { restoreProfile } from "../../../internal/power/profiles/off.ts";
import { verifyProfile } from "../../../internal/power/profiles/verify.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { canMountFuse } from "../../kernel/libc.ts";
import { type KernelMachine, startMachine } from "../../kernel/machine.ts";
import { MACHINES } from "../../kernel/machines.ts";
import { value } from "../../sysfs/machine.ts";
import { changed } from "../snapshot.ts";
import { applyTo, builtIn, readings } from "./coupled.ts";

const POLICIES = [0, 1].map((id) => `cpufreq/policy${id}`);

/** What a policy says that a profile sets; EPP only where there is one. */
function stateOf(machine: KernelMachine, policy: string) {
  const read = (file: string): string => machine.read(`${policy}/${file}`);
  const files = readdirSync(join(machine.sys, "devices/system/cpu", policy));
  return {
    active: read("scaling_available_governors").trim() === "performance powersave",
    governor: read("scaling_governor"),
    limits: [read("scaling_min_freq"), read("scaling_max_freq")].map(Number),
    hardware: [read("cpuinfo_min_freq"), read("cpuinfo_max_freq")].map(Number),
    epp: files.includes("energy_performance_preference") ? read("energy_performance_preference") : undefined,
  };
}

/** Checks that the files say what the profile means; `floor` is the one before any profile. */
function expectMeant(machine: KernelMachine, name: string, policy: string, floor: number, top: number) {
  const { active, governor, limits, hardware, epp } = stateOf(machine, policy);
  const dynamic = active ? "powersave" : "schedutil";
  expect(governor).toBe(name === "performance" || name === "latency" ? "performance" : dynamic);
  if (name === "performance" || name === "balanced") {
    expect(limits).toEqual([floor, hardware[1] ?? 0]);
    expect(hardware[1]).toBe(top);
  }
  if (name === "powersave") expect(limits[0]).toBe(hardware[0] ?? 0);
  if (name === "latency") expect(limits[1]).toBe(hardware[1] ?? 0);
  const words = {
    performance: /^(performance|default)$/,
    latency: /^(performance|default)$/,
    balanced: /^balance_performance$/,
    powersave: /^power$/,
  };
  // Governor performance sets raw 0, which has no word on Meteor Lake and shows as default.
  if (epp !== undefined) expect(epp).toMatch(words[name as keyof typeof words]);
}

for (const name of Object.keys(MACHINES))
  describe(name, () => {
    let machine: KernelMachine;
    let before: Record<string, string>;
    let floors: number[];
    const tops: number[] = [];
    beforeAll(async () => {
      if (!canMountFuse()) return;
      machine = await startMachine(name);
      before = readings(machine);
      floors = POLICIES.map((policy) => Number(machine.read(`${policy}/scaling_min_freq`)));
      // With turbo on, where it can be.
      value(applyTo(machine, builtIn("performance")));
      tops.push(...POLICIES.map((policy) => Number(machine.read(`${policy}/cpuinfo_max_freq`))));
      restoreProfile(machine.roots);
    });
    afterAll(async () => machine?.remove());
    for (const [index, first] of BUILT_IN.entries()) {
      // The walks from all four go from each profile to each other one.
      const walk = [1, 3, 2].map((step) => BUILT_IN[(index + step) % BUILT_IN.length] as HostProfile);
      testNeeding(
        ["root and FUSE"],
        `${[first, ...walk].map((one) => one.name).join(", then ")} mean what they say and go back whole`,
        () => {
          for (const profile of [first, ...walk]) {
            value(applyTo(machine, profile));
            for (const [at, policy] of POLICIES.entries())
              expectMeant(machine, profile.name, policy, floors[at] ?? 0, tops[at] ?? 0);
            expect(value(verifyProfile(machine.roots))).toMatchObject({ state: "applied", drift: [] });
          }
          expect(restoreProfile(machine.roots).failed).toEqual([]);
          expect(changed(before, readings(machine))).toEqual([]);
        },
      );
    }
  });
