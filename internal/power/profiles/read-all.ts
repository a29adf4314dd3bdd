// What attributes say before they are touched, beneath claims where a guest holds them.

import { ok, type Result } from "../../values/result.ts";
import { type Attribute, pathOf } from "../../sysfs/attribute.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { isAway, readSetting, type Setting } from "./setting.ts";
import { type Beneath, settingBeneath } from "./under-claim.ts";

/** Reads what `attributes` say now, each once, by path; every one of them must be there, but those of offline CPUs are left out. Errors: as readSetting. */
export function readAll(
  cpuRoot: string,
  attributes: readonly Attribute[],
  beneath: Beneath | undefined,
): Result<Map<string, Setting>, SysfsError> {
  const found = new Map<string, Setting>();
  for (const attribute of attributes) {
    const path = pathOf(attribute);
    if (found.has(path)) continue;
    const under = beneath && settingBeneath(beneath, attribute);
    const setting = under ? ok(under) : readSetting(cpuRoot, attribute);
    if (!setting.ok && isAway(cpuRoot, attribute, setting.error)) continue;
    if (!setting.ok) return setting;
    found.set(path, setting.value);
  }
  return ok(found);
}
