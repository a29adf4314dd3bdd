// One attribute and the text it is to have, and how it is read.

import { err, ok, type Result } from "../../values/result.ts";
import { notUnderstood, type SysfsError } from "../../values/sysfs-error.ts";
import { absent, AttrDir } from "../../sysfs/attr.ts";
import { type Attribute, type Knob, parseAttribute, pathOf } from "../../sysfs/attribute.ts";
import { readCpuList } from "../../sysfs/topology.ts";
import { readEppText } from "../../sysfs/cpufreq/epp.ts";
import { maskToList } from "../../sysfs/irq.ts";
import { isNoLimit } from "../../sysfs/cpufreq/domain-state.ts";
import type { LimitKnob } from "../../sysfs/cpufreq/limits.ts";

/** One attribute and its text. */
export interface Setting {
  readonly attribute: Attribute;
  readonly text: string;
  /** For floor and ceiling: there is no limit, and `text` is the hardware's own end at the moment. */
  readonly unlimited?: boolean;
}

/** A setting as it is saved and told; `path` is from the folder of CPUs on. */
export interface SettingRecord extends Pick<Setting, "text" | "unlimited"> {
  readonly path: string;
  readonly knob: Knob;
}

/** A setting that could not be written. */
export interface FailedSetting {
  readonly attribute: Attribute;
  readonly error: SysfsError;
}

/** A floor or a ceiling. */
export type LimitAttribute = Extract<Attribute, { readonly domain: unknown }> & { readonly knob: LimitKnob };

/** Returns `setting` as it is saved and told. */
export const toRecord = ({ attribute, text, unlimited }: Setting): SettingRecord => ({
  path: pathOf(attribute),
  text,
  knob: attribute.knob,
  ...(unlimited && { unlimited }),
});

/** Returns the setting that `raw` is; undefined for anything else: a state file must not lead a root program elsewhere. */
export function fromRecord(raw: unknown): Setting | undefined {
  const { path, text, knob, unlimited } = (raw ?? {}) as Readonly<Record<string, unknown>>;
  const attribute = typeof path === "string" ? parseAttribute(path) : undefined;
  if (attribute === undefined || attribute.knob !== knob || typeof text !== "string") return undefined;
  return { attribute, text, ...(unlimited === true && { unlimited }) };
}

/** Returns whether `attribute` is a floor or a ceiling. */
export const isLimit = (attribute: Attribute): attribute is LimitAttribute =>
  attribute.knob === "floor" || attribute.knob === "ceiling";

/** Returns `settings` by the path of their attributes. */
export const byPath = (settings: readonly Setting[]): Map<string, Setting> =>
  new Map(settings.map((one) => [pathOf(one.attribute), one]));

/** Returns the attributes of `settings`. */
export const attributesOf = (settings: readonly Setting[]): Attribute[] =>
  settings.map(({ attribute }) => attribute);

/** Reads what `attribute`, which must be there, says now: of a limit whether it is one, of an EPP that has no word UNKNOWN_EPP. Errors: as AttrDir.must. */
export function readSetting(cpuRoot: string, attribute: Attribute): Result<Setting, SysfsError> {
  const dir = new AttrDir(cpuRoot);
  const path = pathOf(attribute);
  const text = attribute.knob === "epp" ? readEppText(dir, path) : dir.read(path);
  if (!text.ok) return text;
  if (text.value === undefined) return err(absent(`${cpuRoot}/${path}`));
  if (attribute.knob === "irq default") {
    const list = maskToList(text.value);
    return list === undefined
      ? err(notUnderstood(`${cpuRoot}/${path}`, text.value))
      : ok({ attribute, text: list });
  }
  return ok(asRead(cpuRoot, attribute, text.value));
}

/**
 * Returns whether `error` of `attribute` says that there is nothing to set now: its CPU, or all those of its domain, are offline, or its
 * interrupt is no more. Source: drivers/cpufreq/cpufreq.c, show and store; arch/x86/kernel/cpu/intel_epb.c, intel_epb_offline.
 */
export function isAway(cpuRoot: string, attribute: Attribute, error: SysfsError): boolean {
  if (isGone(attribute, error)) return true;
  if ("domain" in attribute) return error.code === "EBUSY";
  if (!("cpu" in attribute) || !["ENOENT", "ENODEV"].includes(error.code)) return false;
  const online = readCpuList(new AttrDir(cpuRoot), "online");
  return online.ok && !online.value.includes(attribute.cpu);
}

/** Returns whether `error` says that the interrupt of `attribute` is no more: there is nothing to set, and nothing to put back. */
export const isGone = (attribute: Attribute, error: SysfsError): boolean =>
  "irq" in attribute && error.code === "ENOENT";

/** Returns whether `attribute` is there in the mode that the driver runs in now. */
export function isInMode(cpuRoot: string, attribute: Attribute): boolean {
  const found = readSetting(cpuRoot, attribute);
  return found.ok || found.error.code !== "ENOENT";
}

/** Returns the setting that `attribute` has when it says `text`. */
function asRead(cpuRoot: string, attribute: Attribute, text: string): Setting {
  const unlimited = isLimit(attribute) && isNoLimit(cpuRoot, attribute.domain, attribute.knob, Number(text));
  return { attribute, text, ...(unlimited && { unlimited }) };
}

/** Returns whether `found` is what `wanted` asks for: the same text, or as little of a limit. */
export const isAs = (wanted: Setting, found: Setting): boolean =>
  wanted.text === found.text || (wanted.unlimited === true && found.unlimited === true);
