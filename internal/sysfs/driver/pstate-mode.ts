// In which mode intel_pstate or amd_pstate runs, and how it is switched: all clocks are made anew, and what the driver forgets is given back.

import { DONE, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { AttrDir } from "../attr.ts";
import { PERCENT } from "./intel.ts";

/** The modes of each driver. Source: Documentation/admin-guide/pm/intel_pstate.rst and amd-pstate.rst. */
export const PSTATE_MODES = {
  intel_pstate: ["active", "passive"],
  amd_pstate: ["active", "passive", "guided"],
} as const;

export type PstateDriver = keyof typeof PSTATE_MODES;
export type PstateMode = (typeof PSTATE_MODES)[PstateDriver][number];

/** Settings of the whole machine that a driver forgets with its mode. Source: drivers/cpufreq/intel_pstate.c, intel_pstate_register_driver. */
const FORGOTTEN = [
  "intel_pstate/no_turbo",
  PERCENT.max,
  PERCENT.min,
  "intel_pstate/hwp_dynamic_boost",
  "cpufreq/boost",
] as const;

/** Returns where the mode of `driver` is, from the folder of CPUs on. */
export const pstateModePath = (driver: PstateDriver): string => `${driver}/status`;

/** Returns the driver of these two that is there, and what its status says; undefined where neither is. */
export function readPstateMode(
  cpuRoot: string,
): { readonly driver: PstateDriver; readonly mode: string } | undefined {
  const dir = new AttrDir(cpuRoot);
  for (const driver of Object.keys(PSTATE_MODES) as PstateDriver[]) {
    const mode = dir.peek(pstateModePath(driver));
    if (mode !== undefined) return { driver, mode };
  }
  return undefined;
}

/** Switches the mode, and gives the machine's turbo and per cent back. Errors: what the kernel answers, such as EINVAL or EBUSY. */
export function switchPstateMode(
  cpuRoot: string,
  driver: PstateDriver,
  mode: string,
): Result<void, SysfsError> {
  const dir = new AttrDir(cpuRoot);
  const before = FORGOTTEN.map((file) => [file, dir.peek(file)] as const);
  const done = dir.write(pstateModePath(driver), mode);
  if (!done.ok) return done;
  for (const [file, text] of before) {
    const now = dir.peek(file);
    if (text === undefined || now === undefined || now === text) continue;
    const given = dir.write(file, text);
    if (!given.ok) return given;
  }
  return DONE;
}
