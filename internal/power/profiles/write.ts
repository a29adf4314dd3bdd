// Settings are written in the order that the kernel takes, and what it made of them is read back.

import { DONE, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { parseCpuList } from "../../values/cpulist.ts";
import { khz } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { type Knob, pathOf } from "../../sysfs/attribute.ts";
import { UNKNOWN_EPP } from "../../sysfs/cpufreq/epp.ts";
import { domainDir, FILE } from "../../sysfs/cpufreq/files.ts";
import { writeLimit } from "../../sysfs/cpufreq/limits.ts";
import { maskOf } from "../../sysfs/irq.ts";
import { switchPstateMode } from "../../sysfs/driver/pstate-mode.ts";
import { driverOf } from "../../sysfs/driver/index.ts";
import type { Lack } from "./plan/draft.ts";
import { unmovable } from "./plan/plan-irq.ts";
import { type FailedSetting, isAs, isGone, isInMode, isLimit, readSetting, type Setting } from "./setting.ts";

/**
 * The stage in which each knob is written. A platform's profile may move all else; turbo moves limits; the
 * governor moves EPP and refuses words of it.
 * Source: Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst.
 */
const STAGE: Readonly<Record<Knob, number>> = {
  "pstate mode": -1,
  "platform profile": 0,
  boost: 1,
  governor: 2,
  epp: 3,
  floor: 4,
  ceiling: 4,
  speed: 5,
  epb: 6,
  latency: 7,
  "idle state": 8,
  "uncore floor": 9,
  "uncore ceiling": 9,
  "halt poll": 10,
  "irq default": 11,
  irq: 12,
};

/**
 * Yields `settings` as they can be written one after the other, by stages. Of turbo's switches the machine's comes first, which sets those
 * of domains; of two limits the one that keeps floor at or below ceiling.
 */
export function* inWriteOrder(cpuRoot: string, settings: readonly Setting[]): Generator<Setting> {
  const dir = new AttrDir(cpuRoot);
  // A ceiling that rises goes before the floors, one that falls after them, as they stand when their stage comes.
  const rank = ({ attribute, text, unlimited }: Setting): number => {
    if ("file" in attribute || unlimited) return 0;
    if (!attribute.knob.endsWith("ceiling")) return 1;
    const now = dir.readNumber(pathOf(attribute));
    return now.ok && Number(text) > (now.value ?? 0) ? 0 : 2;
  };
  for (const stage of new Set(Object.values(STAGE)))
    yield* settings
      .filter(({ attribute }) => STAGE[attribute.knob] === stage)
      .map((setting) => ({ setting, rank: rank(setting) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ setting }) => setting);
}

/** Returns the number of the step, from 1, in which each of `settings`, which are in their order, is written. */
export function stepsOf(settings: readonly Setting[]): number[] {
  const stages = settings.map(({ attribute }) => STAGE[attribute.knob]);
  return stages.map((stage) => [...new Set(stages)].indexOf(stage) + 1);
}

/**
 * Writes `settings` in their order where they differ from what stands. Returns the first failure, which ends it; an EPP that the driver
 * does not take goes to `refused` by its path: amd-pstate of older kernels takes words alone. So does an interrupt that the kernel keeps.
 */
export function writeSettings(
  cpuRoot: string,
  settings: readonly Setting[],
  refused: Map<string, Lack>,
): FailedSetting | undefined {
  for (const setting of inWriteOrder(cpuRoot, settings)) {
    const { attribute, text } = setting;
    const done = writeSetting(cpuRoot, setting);
    if (!done.ok && attribute.knob === "epp" && done.error.code === "EINVAL") {
      const why = `the driver takes no ${text} (EINVAL)`;
      refused.set(pathOf(attribute), { knob: "epp", where: `domain ${attribute.domain}`, why });
    } else if (!done.ok && isGone(attribute, done.error)) continue;
    else if (!done.ok && attribute.knob === "irq" && ["EIO", "EPERM"].includes(done.error.code))
      refused.set(pathOf(attribute), unmovable(attribute.irq, done.error.code));
    else if (!done.ok) return { attribute, error: done.error };
  }
  return undefined;
}

/**
 * Puts `settings` back as they were read once. A failure does not stop the next ones, and one that reads otherwise afterwards has failed
 * too. Returns all failures.
 */
export function restoreSettings(cpuRoot: string, settings: readonly Setting[]): FailedSetting[] {
  const failed: FailedSetting[] = [];
  const written: Setting[] = [];
  // With the mode that it was read in go files that the other has not.
  const modes = settings.some(({ attribute }) => attribute.knob === "pstate mode");
  for (const setting of inWriteOrder(cpuRoot, settings)) {
    const { attribute } = setting;
    if (modes && "domain" in attribute && !isInMode(cpuRoot, attribute)) continue;
    let done = writeSetting(cpuRoot, setting);
    // The kernel shows a raw 0 as default where 0 has no word, and takes default for something else.
    if (done.ok && attribute.knob === "epp" && setting.text === "default" && !reads(cpuRoot, setting))
      done = new AttrDir(cpuRoot).write(pathOf(attribute), "0");
    if (done.ok) written.push(setting);
    else if (isGone(attribute, done.error)) continue;
    else if (!reads(cpuRoot, setting)) failed.push({ attribute, error: done.error });
  }
  for (const { wanted, found } of readBack(cpuRoot, written))
    if (!found.ok) failed.push({ attribute: wanted.attribute, error: found.error });
    else if (!isKernels(cpuRoot, wanted, found.value)) failed.push(heldOtherwise(cpuRoot, found.value));
  return failed;
}

/** A setting that reads otherwise than it was written, or can't be read any more. */
export interface Otherwise {
  readonly wanted: Setting;
  readonly found: Result<Setting, SysfsError>;
}

/** Milliseconds: the kernel takes new limits over in a work item of its own. Source: drivers/cpufreq/cpufreq.c, handle_update. */
const LATE_MS = 100;
const LOOK_MS = 2;

/** Reads back what was written, limits until they say so or LATE_MS have passed. Returns what reads otherwise. */
export function readBack(cpuRoot: string, written: readonly Setting[]): Otherwise[] {
  const otherwise = (settings: readonly Setting[]): Otherwise[] =>
    settings.flatMap((wanted) => {
      const found = readSetting(cpuRoot, wanted.attribute);
      if (found.ok ? isAs(wanted, found.value) : isGone(wanted.attribute, found.error)) return [];
      return [{ wanted, found }];
    });
  let left = otherwise(written);
  const until = performance.now() + LATE_MS;
  while (left.some(({ wanted }) => isLimit(wanted.attribute)) && performance.now() < until) {
    Bun.sleepSync(LOOK_MS);
    left = otherwise(left.map(({ wanted }) => wanted));
  }
  return left;
}

/** Returns the failure of a setting that the kernel took and did not keep. */
export function heldOtherwise(cpuRoot: string, { attribute, text }: Setting): FailedSetting {
  const path = `${cpuRoot}/${pathOf(attribute)}`;
  return { attribute, error: { kind: "sysfs", op: "write", path, code: `the kernel holds ${text}` } };
}

/** Returns whether the governor that stands keeps EPP at its own. Source: drivers/cpufreq/intel_pstate.c, intel_pstate_hwp_set. */
export function governorHoldsEpp(cpuRoot: string, { attribute }: Setting): boolean {
  if (attribute.knob !== "epp") return false;
  const dir = domainDir(cpuRoot, attribute.domain);
  const { holdsEpp } = driverOf(dir.peek(FILE.driver) ?? "").governors;
  return holdsEpp !== undefined && holdsEpp === dir.peek(FILE.governor);
}

/** Returns whether what reads otherwise than it was put back is the kernel's own doing: a limit that others narrow, a speed within it, an EPP that has no word or that the governor holds. */
function isKernels(cpuRoot: string, wanted: Setting, found: Setting): boolean {
  switch (wanted.attribute.knob) {
    case "speed":
      return true;
    case "ceiling":
      return wanted.unlimited === true || Number(found.text) <= Number(wanted.text);
    case "floor":
      return wanted.unlimited === true || Number(found.text) >= Number(wanted.text);
    case "epp":
      return wanted.text === UNKNOWN_EPP || governorHoldsEpp(cpuRoot, wanted);
    default:
      return false;
  }
}

const reads = (cpuRoot: string, wanted: Setting): boolean => {
  const found = readSetting(cpuRoot, wanted.attribute);
  return found.ok && isAs(wanted, found.value);
};

/** Writes one setting where it differs from what stands. */
export function writeSetting(cpuRoot: string, setting: Setting): Result<void, SysfsError> {
  const { attribute, text, unlimited = false } = setting;
  const now = readSetting(cpuRoot, attribute);
  if (!now.ok) return now;
  if (isLimit(attribute)) {
    // Where it looks like none, whatever was asked for looks the same.
    if (now.value.text === text && !unlimited && !now.value.unlimited) return DONE;
    return writeLimit(domainDir(cpuRoot, attribute.domain), attribute.knob, khz(Number(text)), unlimited);
  }
  if (now.value.text === text) return DONE;
  if (attribute.knob === "pstate mode") return switchPstateMode(cpuRoot, attribute.driver, text);
  const done = new AttrDir(cpuRoot).write(pathOf(attribute), wordFor(setting));
  // Such a governor has set what it takes already, whatever it reads as: 0 is no word on Meteor Lake.
  return !done.ok && done.error.code === "EBUSY" && governorHoldsEpp(cpuRoot, setting) ? DONE : done;
}

/** Returns what is written for a setting, where that is not its text. */
function wordFor({ attribute, text }: Setting): string {
  if (attribute.knob === "epp" && text === UNKNOWN_EPP) return "default";
  if (attribute.knob !== "irq default") return text;
  const cpus = parseCpuList(text);
  return cpus.ok ? maskOf(cpus.value) : text;
}
