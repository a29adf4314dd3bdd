// The switches of turbo as they stand; which of them a driver has, and what they say, stands with the driver.

import { err, ok, type Result } from "../../values/result.ts";
import { notUnderstood, type SysfsError } from "../../values/sysfs-error.ts";
import { type DomainId, domainId } from "../../values/units.ts";
import { AttrDir, readText } from "../attr.ts";
import { boostAttribute, type BoostAttribute, pathOf } from "../attribute.ts";
import type { CpufreqDriver } from "../driver/driver.ts";
import { driverOf } from "../driver/index.ts";
import { domainDir, FILE } from "./files.ts";

/** One switch: of the whole machine, or of one domain. */
export interface BoostSwitch {
  readonly attribute: BoostAttribute;
  readonly on: boolean;
  /** What to write for on and off: no_turbo means the opposite of boost. */
  readonly text: { readonly on: string; readonly off: string };
}

/**
 * Reads the switches of turbo, the machine's first and then each domain's own: the machine's sets them all. None where there is no turbo to
 * switch; those of domains whose CPUs are offline (EBUSY) can wait. Errors: EINVAL for odd text.
 * Source: drivers/cpufreq/cpufreq.c, store_boost and store_local_boost.
 */
export function readBoost(cpuRoot: string, domains: readonly DomainId[]): Result<BoostSwitch[], SysfsError> {
  const dir = new AttrDir(cpuRoot);
  // One driver serves the whole machine.
  const name = domains.map((id) => domainDir(cpuRoot, id).peek(FILE.driver)).find(Boolean);
  const switches: BoostSwitch[] = [];
  for (const file of driverOf(name ?? "").turbo)
    for (const domain of file.file === undefined ? domains : [domainId(0)]) {
      const attribute = boostAttribute(file, domain);
      const line = dir.read(pathOf(attribute));
      if (!line.ok && line.error.code === "EBUSY") continue;
      if (!line.ok) return line;
      if (line.value === undefined) continue;
      if (line.value !== file.on && line.value !== file.off)
        return err(notUnderstood(`${dir.path}/${pathOf(attribute)}`, line.value));
      switches.push({ attribute, on: line.value === file.on, text: file });
    }
  return ok(switches);
}

/** What is said of turbo that is off and can't be turned on. */
export const NO_TURBO_HERE = "the firmware has turned turbo off, or the CPU has none";

/**
 * Reads whether the processor says that it has no turbo now; false where it says nothing of it, as Arm's.
 * Source: /proc/cpuinfo, flags ida (Intel) and cpb (AMD); arch/x86/kernel/cpu/scattered.c.
 * @param procRoot stands for /proc
 */
export function lacksTurbo(procRoot: string): boolean {
  const text = readText(`${procRoot}/cpuinfo`);
  const flags = /^flags\s*:(.*)$/m.exec((text.ok && text.value) || "")?.[1]?.split(" ");
  return flags !== undefined && !flags.includes("ida") && !flags.includes("cpb");
}

/** Reads whether turbo may be used in domain `id`: each of its driver's switches can forbid it. Errors: as AttrDir.read. */
export function readTurboAllowed(
  cpuRoot: string,
  driver: CpufreqDriver,
  id: DomainId,
): Result<boolean, SysfsError> {
  const dir = new AttrDir(cpuRoot);
  for (const file of driver.turbo) {
    const line = dir.read(pathOf(boostAttribute(file, id)));
    if (!line.ok) return line;
    if (line.value === file.off) return ok(false);
  }
  return ok(true);
}
