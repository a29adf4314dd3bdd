// Profiles on a machine whose files move each other: applied and read.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { applyProfile } from "../../../internal/power/profiles/apply.ts";
import { readCpuSets } from "../../../internal/power/profiles/cpu-selector.ts";
import { BUILT_IN, type HostProfile } from "../../../internal/power/profiles/host-profile.ts";
import { err } from "../../../internal/values/result.ts";
import type { KernelMachine } from "../../kernel/machine.ts";
import { value } from "../../sysfs/machine.ts";

/** Returns what every readable attribute of the CPUs says, or the error that it gives; speeds move by themselves. */
export function readings({ sys }: KernelMachine): Record<string, string> {
  const root = join(sys, "devices/system/cpu");
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /scaling_cur_freq|cpu\d+\/cpufreq/.test(path)) continue;
    try {
      found[path.slice(root.length + 1)] = readFileSync(path, "utf8").trimEnd();
    } catch (cause) {
      found[path.slice(root.length + 1)] = `${(cause as NodeJS.ErrnoException).code}`;
    }
  }
  return found;
}

/** Applies `profile` to `machine`. */
export function applyTo(machine: KernelMachine, profile: HostProfile, dryRun = false) {
  const sets = value(readCpuSets(machine.roots.sysfsRoot, () => err("none")));
  return applyProfile(machine.roots, profile, { sets, dryRun, now: "2026-07-01T10:00:00.000Z" });
}

/** Returns built-in profile `name`. */
export function builtIn(name: string): HostProfile {
  const found = BUILT_IN.find((one) => one.name === name);
  if (!found) throw new Error(`no profile ${name}`);
  return found;
}

/** Returns a profile of one's own, which insists on all it asks for. */
export const own = (profile: Partial<HostProfile>): HostProfile => ({
  name: "own",
  summary: "",
  missing: "refuse",
  rules: [],
  ...profile,
});
