// The switches of turbo as they stand; which of them a driver has, and what they say, stands with the driver.

import { err, ok, type Result } from "../../values/result.ts";
import { notUnderstood, type SysfsError } from "../../values/sysfs-error.ts";
import { type DomainId, domainId } from "../../values/units.ts";
import { AttrDir } from "../attr.ts";
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

/** Reads the machine's switches of turbo: one for all, or one a domain; none where there is no turbo to switch. Errors: EINVAL for odd text. */
export function readBoost(cpuRoot: string, domains: readonly DomainId[]): Result<BoostSwitch[], SysfsError> {
  const dir = new AttrDir(cpuRoot);
  // One driver serves the whole machine.
  const name = domains.map((id) => domainDir(cpuRoot, id).peek(FILE.driver)).find(Boolean);
  for (const file of driverOf(name ?? "").turbo) {
    const switches: BoostSwitch[] = [];
    for (const domain of file.file === undefined ? domains : [domainId(0)]) {
      const attribute = boostAttribute(file, domain);
      const line = dir.read(pathOf(attribute));
      if (!line.ok) return line;
      if (line.value === undefined) continue;
      if (line.value !== file.on && line.value !== file.off)
        return err(notUnderstood(`${dir.path}/${pathOf(attribute)}`, line.value));
      switches.push({ attribute, on: line.value === file.on, text: file });
    }
    if (switches.length > 0) return ok(switches);
  }
  return ok([]);
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
