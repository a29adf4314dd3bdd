// Whether the machine runs on a battery.

import { AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { listFolder } from "./numbered.ts";
import { ok, type Result } from "../values/result.ts";

/**
 * Reads whether a battery of the machine itself is being drawn from; false on a machine without one. Those of mice and the like (scope
 * Device) don't count. Errors: as AttrDir.read. Source: Documentation/ABI/testing/sysfs-class-power.
 */
export function isOnBattery(sysfsRoot: string): Result<boolean, SysfsError> {
  const folder = `${sysfsRoot}/class/power_supply`;
  const names = listFolder(folder);
  if (!names.ok) return names;
  return ok(
    names.value.some((name) => {
      const dir = new AttrDir(`${folder}/${name}`);
      return (
        dir.peek("type") === "Battery" &&
        dir.peek("scope") !== "Device" &&
        dir.peek("status") === "Discharging"
      );
    }),
  );
}
