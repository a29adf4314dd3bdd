// The first step of a profile: turbo is switched before clocks are planned, and left out where it can't be.

import type { SysfsError } from "../../values/sysfs-error.ts";
import { pathOf } from "../../sysfs/attribute.ts";
import { NO_TURBO_HERE } from "../../sysfs/cpufreq/boost.ts";
import type { Lack } from "./plan/draft.ts";
import { type FailedSetting, readSetting, type Setting } from "./setting.ts";
import { inWriteOrder, writeSetting } from "./write.ts";

/** What came of switching turbo. */
export interface SwitchedTurbo {
  /** Switches that can't be moved here, by path, and why. */
  readonly refused: ReadonlyMap<string, Lack>;
  /** A failure that says something else. */
  readonly failed?: FailedSetting;
}

/**
 * What the kernel answers where there is no turbo to switch. Source: drivers/cpufreq/intel_pstate.c, store_no_turbo (EPERM); cpufreq.c,
 * store_boost and store_local_boost (EINVAL); amd-pstate.c, amd_pstate_set_boost (EOPNOTSUPP).
 */
const NOT_HERE = ["EPERM", "EINVAL", "ENODEV", "EBUSY", "EOPNOTSUPP", "ENOTSUP"];

/** Writes the switches of turbo among `settings`: the machine's, then domains' own, which go where the machine's was refused. */
export function switchTurbo(cpuRoot: string, settings: readonly Setting[]): SwitchedTurbo {
  const refused = new Map<string, Lack>();
  let ofMachine: Lack | undefined;
  for (const setting of inWriteOrder(
    cpuRoot,
    settings.filter(({ attribute }) => attribute.knob === "boost"),
  )) {
    const { attribute } = setting;
    const why = ofMachine ? undefined : whyNot(cpuRoot, setting);
    if (typeof why === "object") return { refused, failed: { attribute, error: why } };
    const where = "domain" in attribute ? `domain ${attribute.domain}` : "machine";
    const lack = ofMachine ?? (why === undefined ? undefined : { knob: "boost", where, why });
    if (lack) refused.set(pathOf(attribute), lack);
    if ("file" in attribute) ofMachine = lack;
  }
  return { refused };
}

/** Writes one switch. Returns why it can't be moved; undefined when it has been. Errors: those that say something else. */
function whyNot(cpuRoot: string, setting: Setting): string | SysfsError | undefined {
  const done = writeSetting(cpuRoot, setting);
  if (!done.ok)
    return NOT_HERE.includes(done.error.code) ? `${NO_TURBO_HERE} (${done.error.code})` : done.error;
  const found = readSetting(cpuRoot, setting.attribute);
  if (!found.ok) return found.error;
  return found.value.text === setting.text
    ? undefined
    : `${NO_TURBO_HERE} (the kernel holds ${found.value.text})`;
}
