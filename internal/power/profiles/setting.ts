// One attribute and the text it is to have: without it applying, rolling back and restoring would each know the kernel's order.

import { type Result } from "../../values/result.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";

/** What a setting is for; the order is the order of writing. */
export const KNOBS = [
  "boost",
  "governor",
  "floor",
  "ceiling",
  "speed",
  "epp",
  "epb",
  "latency",
  "idle state",
  "uncore floor",
  "uncore ceiling",
] as const;
export type Knob = (typeof KNOBS)[number];

/** One attribute. */
export interface Setting {
  /** From the folder of CPUs on. */
  readonly path: string;
  readonly text: string;
  readonly knob: Knob;
}

/** A setting that could not be written. */
export interface FailedSetting {
  readonly setting: Setting;
  readonly error: SysfsError;
}

/**
 * Returns `settings` as they can be written one after the other: turbo first, so that limits above base pass; the governor before EPP,
 * which drivers refuse under governor performance; of two limits the one that keeps floor at or below ceiling.
 * Source: Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst.
 */
export function inWriteOrder(cpuRoot: string, settings: readonly Setting[]): Setting[] {
  const sorted = [...settings].sort((a, b) => KNOBS.indexOf(a.knob) - KNOBS.indexOf(b.knob));
  const raised = sorted.filter(
    (one) => (one.knob === "ceiling" || one.knob === "uncore ceiling") && isRaised(cpuRoot, one),
  );
  // A ceiling that rises goes before its floor, one that falls after it, as they stand.
  for (const ceiling of raised) {
    const folder = folderOf(ceiling.path);
    const floor = sorted.findIndex((one) => one.knob.endsWith("floor") && folderOf(one.path) === folder);
    if (floor < 0) continue;
    sorted.splice(sorted.indexOf(ceiling), 1);
    sorted.splice(floor, 0, ceiling);
  }
  return sorted;
}

/** Writes `settings` in their order where they differ from what stands; stops at the first failure. Returns what was written and what failed. */
export function writeSettings(
  cpuRoot: string,
  settings: readonly Setting[],
): { readonly written: readonly Setting[]; readonly failed?: FailedSetting } {
  const dir = new AttrDir(cpuRoot);
  const written: Setting[] = [];
  for (const setting of inWriteOrder(cpuRoot, settings)) {
    const done = writeSetting(dir, setting);
    if (!done.ok) return { written, failed: { setting, error: done.error } };
    if (done.value) written.push(setting);
  }
  return { written };
}

/** Writes `settings` as writeSettings does, but a failure does not stop the next ones. Returns all failures. */
export function restoreSettings(cpuRoot: string, settings: readonly Setting[]): FailedSetting[] {
  const dir = new AttrDir(cpuRoot);
  const failed: FailedSetting[] = [];
  for (const setting of inWriteOrder(cpuRoot, settings)) {
    const done = writeSetting(dir, setting);
    if (!done.ok) failed.push({ setting, error: done.error });
  }
  return failed;
}

/** Returns whether anything had to be written. */
function writeSetting(dir: AttrDir, { path, text }: Setting): Result<boolean, SysfsError> {
  const now = dir.read(path);
  if (!now.ok) return now;
  if (now.value === text) return { ok: true, value: false };
  const done = dir.write(path, text);
  return done.ok ? { ok: true, value: true } : done;
}

function isRaised(cpuRoot: string, ceiling: Setting): boolean {
  const now = new AttrDir(cpuRoot).readNumber(ceiling.path);
  return now.ok && Number(ceiling.text) > (now.value ?? 0);
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
