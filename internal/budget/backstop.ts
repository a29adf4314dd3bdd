// RAPL's own long-term limit a little above the budget: it holds the packages when powermon does not. What stood before is saved and put back.

import type { Roots } from "../sysfs/cpufreq/originals.ts";
import { forgetBootRecord, readBootRecord, writeBootRecord } from "../sysfs/boot-record.ts";
import {
  type PowerZone,
  readPowerLimit,
  readPowerZones,
  writePowerLimit,
  writeZoneEnabled,
} from "../sysfs/powercap.ts";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { explainSysfs, type SysfsError } from "../values/sysfs-error.ts";
import { packagesOf } from "./meter.ts";

/** How far above the budget it stands. */
const ABOVE = 1.1;
/** Limits are kept in steps of the hardware's, mostly 1/8 W. */
const STEP_UW = 1_000_000;

/** A limit as it was. */
interface Original {
  readonly path: string;
  readonly index: number;
  readonly limitUw: number;
  readonly enabled: boolean | undefined;
}

const fileOf = (stateDir: string): string => `${stateDir}/budget-backstop.json`;

/** How it stands. */
export type BackstopState =
  | { readonly state: "off" }
  | { readonly state: "set"; readonly watts: number }
  | { readonly state: "refused"; readonly why: string };

export class Backstop {
  readonly #roots: Roots;
  #wanted: number | undefined;
  state: BackstopState = { state: "off" };

  constructor(roots: Roots) {
    this.#roots = roots;
  }

  /** Keeps the limit above a budget of `watts`; undefined takes it back. Returns why it can't, a sentence's end, once for each change. */
  follow(watts: number | undefined): string | undefined {
    if (watts === this.#wanted) return undefined;
    this.#wanted = watts;
    const done = watts === undefined ? this.#off() : setBackstop(this.#roots, watts * ABOVE);
    if (done.ok) {
      this.state = watts === undefined ? { state: "off" } : { state: "set", watts: watts * ABOVE };
      return undefined;
    }
    this.state = { state: "refused", why: done.error };
    return done.error;
  }

  /** Puts back what was there before. Returns what could not be put back. */
  restore(): readonly SysfsError[] {
    this.#wanted = undefined;
    return restoreBackstop(this.#roots).failed;
  }

  #off(): Result<void, string> {
    const { failed } = restoreBackstop(this.#roots);
    return failed[0] === undefined ? DONE : err(explainSysfs(failed[0]));
  }
}

/** Returns the index of a package's long-term limit, or why it has none that can be moved. */
export function longTermOf({ path, limits }: PowerZone): Result<Original, string> {
  const limit = limits.find(({ name }) => name === "long_term");
  if (limit === undefined) return err(`${path} has no limit called long_term`);
  return limit.limitUw === undefined
    ? err(`${path} does not tell its long-term limit`)
    : ok({ path, index: limit.index, limitUw: limit.limitUw, enabled: undefined });
}

/** Writes the long-term limits of all packages to `watts` together, where that is less than what stands. Errors: why not; then all is as before. */
function setBackstop(roots: Roots, watts: number): Result<void, string> {
  const saved = savedIn(roots);
  if (!saved.ok) return err(explainSysfs(saved.error));
  const zones = readPowerZones(roots.sysfsRoot);
  if (!zones.ok) return err(explainSysfs(zones.error));
  const packages = packagesOf(zones.value);
  if (packages.length === 0) return err("RAPL shows no package here");
  const originals: Original[] = [];
  for (const zone of packages) {
    const found = longTermOf(zone);
    if (!found.ok) return found;
    const before = saved.value.find(({ path }) => path === zone.path);
    originals.push(before ?? { ...found.value, enabled: zone.enabled });
  }
  const kept = writeBootRecord(roots.procRoot, fileOf(roots.stateDir), { limits: originals });
  if (!kept.ok) return err(explainSysfs(kept.error));
  const each = Math.floor((watts * 1e6) / packages.length);
  for (const { path, index, limitUw, enabled } of originals) {
    const done = setLimit(path, index, Math.min(limitUw, each), enabled);
    if (done.ok) continue;
    restoreBackstop(roots);
    return done;
  }
  return DONE;
}

function setLimit(
  path: string,
  index: number,
  uw: number,
  enabled: boolean | undefined,
): Result<void, string> {
  const written = writePowerLimit(path, index, uw);
  if (!written.ok) return err(`${explainSysfs(written.error)} (has the firmware locked it?)`);
  const switched = enabled === false ? writeZoneEnabled(path, true) : DONE;
  if (!switched.ok) return err(explainSysfs(switched.error));
  const shown = readPowerLimit(path, index);
  if (!shown.ok) return err(explainSysfs(shown.error));
  return Math.abs(shown.value - uw) > STEP_UW
    ? err(`${path} was told ${uw} uW and shows ${shown.value}: it is locked`)
    : DONE;
}

/** Puts back the limits that a budget's backstop changed, and forgets them; may be repeated. Those of another boot are forgotten. */
export function restoreBackstop(roots: Roots): {
  readonly restored: readonly string[];
  readonly failed: readonly SysfsError[];
} {
  const saved = savedIn(roots);
  if (!saved.ok) return { restored: [], failed: [saved.error] };
  const restored: string[] = [];
  const failed: SysfsError[] = [];
  for (const { path, index, limitUw, enabled } of saved.value) {
    const back = writePowerLimit(path, index, limitUw);
    const done = back.ok && enabled === false ? writeZoneEnabled(path, false) : back;
    if (done.ok) restored.push(path);
    else failed.push(done.error);
  }
  const forgotten = failed.length === 0 ? forgetBootRecord(fileOf(roots.stateDir)) : DONE;
  if (!forgotten.ok) failed.push(forgotten.error);
  return { restored, failed };
}

/** Returns what restoreBackstop() would write: each limit as it is and as it was. */
export function foreseeBackstop(
  roots: Roots,
): Result<
  readonly { readonly path: string; readonly found: number | undefined; readonly wanted: number }[],
  SysfsError
> {
  const saved = savedIn(roots);
  if (!saved.ok) return saved;
  return ok(
    saved.value.map(({ path, index, limitUw }) => {
      const found = readPowerLimit(path, index);
      return { path, found: found.ok ? found.value : undefined, wanted: limitUw };
    }),
  );
}

function savedIn({ procRoot, stateDir, sysfsRoot }: Roots): Result<readonly Original[], SysfsError> {
  const found = readBootRecord(procRoot, fileOf(stateDir), ({ limits }) =>
    Array.isArray(limits) && limits.every((one) => isOriginal(one, sysfsRoot))
      ? (limits as readonly Original[])
      : undefined,
  );
  if (!found.ok) return found;
  return ok(found.value.state === "current" ? found.value.record : []);
}

function isOriginal(value: unknown, sysfsRoot: string): boolean {
  const { path, index, limitUw } = (value ?? {}) as Partial<Original>;
  return (
    typeof path === "string" &&
    path.startsWith(`${sysfsRoot}/`) &&
    !path.includes("..") &&
    Number.isInteger(index) &&
    Number.isSafeInteger(limitUw)
  );
}
