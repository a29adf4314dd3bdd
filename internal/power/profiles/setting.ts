// One attribute and the text it is to have, and the order in which the kernel takes them.

import { DONE, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { type Attribute, type Knob, parseAttribute, pathOf } from "../../sysfs/attribute.ts";

/** One attribute and its text. */
export interface Setting {
  readonly attribute: Attribute;
  readonly text: string;
}

/** A setting as it is saved and told; `path` is from the folder of CPUs on. */
export interface SettingRecord {
  readonly path: string;
  readonly text: string;
  readonly knob: Knob;
}

/** A setting that could not be written. */
export interface FailedSetting {
  readonly attribute: Attribute;
  readonly error: SysfsError;
}

/** Returns `setting` as it is saved and told. */
export const toRecord = ({ attribute, text }: Setting): SettingRecord => ({
  path: pathOf(attribute),
  text,
  knob: attribute.knob,
});

/** Returns the setting that `raw` is; undefined for anything else: a state file must not lead a root program elsewhere. */
export function fromRecord(raw: unknown): Setting | undefined {
  const { path, text, knob } = (raw ?? {}) as Readonly<Record<string, unknown>>;
  const attribute = typeof path === "string" ? parseAttribute(path) : undefined;
  return attribute?.knob === knob && typeof text === "string" && attribute ? { attribute, text } : undefined;
}

/**
 * The stage in which each knob is written: turbo moves limits, the governor moves EPP and refuses words of it.
 * Source: Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst.
 */
const STAGE: Readonly<Record<Knob, number>> = {
  boost: 0,
  governor: 1,
  floor: 2,
  ceiling: 2,
  speed: 3,
  epp: 4,
  epb: 5,
  latency: 6,
  "idle state": 7,
  "uncore floor": 8,
  "uncore ceiling": 8,
};

/** Yields `settings` as they can be written one after the other, by stages; of two limits the one first that keeps floor at or below ceiling. */
export function* inWriteOrder(cpuRoot: string, settings: readonly Setting[]): Generator<Setting> {
  const dir = new AttrDir(cpuRoot);
  // A ceiling that rises goes before the floors, one that falls after them, as they stand when their stage comes.
  const rank = ({ attribute, text }: Setting): number => {
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

/** Writes `settings` in their order where they differ from what stands. Returns the first failure, which ends it. */
export function writeSettings(cpuRoot: string, settings: readonly Setting[]): FailedSetting | undefined {
  return writeEach(cpuRoot, settings).next().value ?? undefined;
}

/** Writes `settings` as writeSettings does, but a failure does not stop the next ones. Returns all failures. */
export const restoreSettings = (cpuRoot: string, settings: readonly Setting[]): FailedSetting[] => [
  ...writeEach(cpuRoot, settings),
];

/** Writes one setting after the other; yields what fails, and goes on when asked for more. */
function* writeEach(cpuRoot: string, settings: readonly Setting[]): Generator<FailedSetting, undefined> {
  const dir = new AttrDir(cpuRoot);
  for (const setting of inWriteOrder(cpuRoot, settings)) {
    const done = writeSetting(dir, setting);
    if (!done.ok) yield { attribute: setting.attribute, error: done.error };
  }
}

function writeSetting(dir: AttrDir, { attribute, text }: Setting): Result<void, SysfsError> {
  const path = pathOf(attribute);
  const now = dir.read(path);
  if (!now.ok) return now;
  return now.value === text ? DONE : dir.write(path, text);
}
