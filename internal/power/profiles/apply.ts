// A profile comes into force whole or not at all: without it a failure half way would leave a machine that nobody described.

import { err, ok, type Result } from "../../values/result.ts";
import type { DomainId, Pcpu } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { type Attribute, pathOf } from "../../sysfs/attribute.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import type { CpuSets } from "./cpu-selector.ts";
import type { Lack } from "./draft.ts";
import type { HostProfile } from "./host-profile.ts";
import { type Busy, takeLock } from "../../os/lock.ts";
import { type Plan, planProfile } from "./plan.ts";
import { type AppliedProfile, forgetProfile, loadProfile, saveProfile } from "./store.ts";
import { type Beneath, beneathClaims, heldDomains, textBeneath } from "./under-claim.ts";
import {
  type FailedSetting,
  restoreSettings,
  type Setting,
  type SettingRecord,
  toRecord,
  writeSettings,
} from "./setting.ts";

/** One attribute's way. */
interface Change extends SettingRecord {
  readonly from: string;
}

/** A profile that is in force, or would be. */
export interface AppliedOutcome {
  /** Attributes that differ from before, in no order that matters. */
  readonly changes: readonly Change[];
  /** Knobs that were left out because this machine lacks them. */
  readonly left: readonly Lack[];
  /** Values the kernel rounded: what was asked, and what it holds. */
  readonly rounded: readonly { readonly path: string; readonly asked: string; readonly held: string }[];
  readonly latencyUs?: number;
}

/** Why a profile did not come into force. Nothing is changed then, unless `notRolledBack` says so. */
export type ProfileRefusal =
  /** The profile can't be had here; nothing was written. */
  | { readonly kind: "impossible"; readonly lacks: readonly Lack[] }
  /** This machine has none of the profile's knobs. */
  | { readonly kind: "unsupported"; readonly lacks: readonly Lack[] }
  /** A guest's claim holds these domains now. */
  | { readonly kind: "held"; readonly domains: readonly DomainId[] }
  /** Somebody else changes the profile. */
  | Busy
  /** A write failed, and what had been written was written back. */
  | {
      readonly kind: "failed";
      readonly failed: FailedSetting;
      readonly notRolledBack: readonly FailedSetting[];
    }
  /** The state folder or the kernel's files can't be read or written. */
  | { readonly kind: "broken"; readonly error: SysfsError };

/** How a profile is applied. */
export interface ApplyOptions {
  readonly sets: CpuSets;
  /** CPUs it is limited to, and how they were written. */
  readonly only?: { readonly text: string; readonly cpus: readonly Pcpu[] } | undefined;
  readonly dryRun?: boolean;
  /** Whether the caller gives claims back before it lets anything be written: a dry run then looks beneath them. */
  readonly givesBack?: boolean;
  /** Whether the caller will hold `latencyUs` by DmaLatency. */
  readonly canHold?: boolean;
  /** ISO 8601. */
  readonly now: string;
}

/**
 * Puts `profile` in force: all is checked, the originals are saved, then all is written; what a profile before it had changed and this
 * one does not goes back to its original. A guest's claims must have been given back before and may be made again after.
 */
export function applyProfile(
  roots: Roots,
  profile: HostProfile,
  options: ApplyOptions,
): Result<AppliedOutcome, ProfileRefusal> {
  if (options.dryRun) return applyLocked(roots, profile, options);
  const lock = takeLock(`${roots.stateDir}/profile.lock`);
  if (!lock.ok) return err(lock.error.kind === "busy" ? lock.error : { kind: "broken", error: lock.error });
  try {
    return applyLocked(roots, profile, options);
  } finally {
    lock.value();
  }
}

function applyLocked(
  roots: Roots,
  profile: HostProfile,
  options: ApplyOptions,
): Result<AppliedOutcome, ProfileRefusal> {
  const broken = (error: SysfsError) => err({ kind: "broken", error } as const);
  const cpuRoot = cpuRootOf(roots);
  const before = loadProfile(roots);
  if (!before.ok) return broken(before.error);
  const old = before.value.state === "applied" ? before.value.applied : undefined;
  const beneath = options.dryRun && options.givesBack ? beneathClaims(roots) : undefined;
  const plan = planProfile(cpuRoot, profile, options.sets, {
    only: options.only?.cpus,
    canHold: options.canHold === true,
    beneath,
  });
  const { settings, sideEffects, lacking, problems, latencyUs } = plan;
  const fatal = profile.missing === "refuse" ? [...problems, ...lacking] : problems;
  if (problems.length > 0) return err({ kind: "impossible", lacks: fatal });
  if (fatal.length > 0 || (settings.length === 0 && latencyUs === undefined))
    return err({ kind: "unsupported", lacks: fatal.length > 0 ? fatal : lacking });

  const touched = [...attributesOf(settings), ...sideEffects, ...attributesOf(old?.originals ?? [])];
  const now = readAll(cpuRoot, touched, beneath);
  if (!now.ok) return broken(now.error.error);
  const saved = byPath(old?.originals ?? []);
  const originals = [...now.value].map(([path, one]) => saved.get(path) ?? one);
  const targets = withReturns(plan, old, saved);
  const changes = targets
    .map(toRecord)
    .map((one): Change => ({ ...one, from: now.value.get(one.path)?.text ?? "" }))
    .filter((one) => one.from !== one.text);
  const outcome = { changes, left: lacking, ...(latencyUs !== undefined && { latencyUs }) };
  const held = beneath ? ok([]) : heldDomains(roots, attributesOf(originals));
  if (!held.ok) return broken(held.error);
  if (held.value.length > 0) return err({ kind: "held", domains: held.value });
  if (options.dryRun) return ok({ ...outcome, rounded: [] });

  const applied: AppliedProfile = {
    profile: profile.name,
    since: options.now,
    originals,
    wanted: settings,
    ...(options.only && { cpus: options.only.text }),
    ...(latencyUs !== undefined && { latencyUs }),
  };
  const kept = saveProfile(roots, applied);
  if (!kept.ok) return broken(kept.error);
  const undo = (failed: FailedSetting) => {
    // What moved by itself goes back too; stages order it after what moved it.
    const moved = [...targets.map(({ attribute }) => attribute), ...sideEffects].map(pathOf);
    const back = [...new Set(moved)].flatMap((path) => now.value.get(path) ?? []);
    const notRolledBack = restoreSettings(cpuRoot, back);
    // Originals that could not be put back stay on disk for another try.
    if (notRolledBack.length === 0) {
      const forgotten = old ? saveProfile(roots, old) : forgetProfile(roots.stateDir);
      if (!forgotten.ok) return broken(forgotten.error);
    }
    return err({ kind: "failed", failed, notRolledBack } as const);
  };
  const failed = writeSettings(cpuRoot, targets);
  if (failed) return undo(failed);
  const settled = settle(cpuRoot, settings);
  if (!settled.ok) return undo(settled.error);
  const { wanted, rounded } = settled.value;
  if (rounded.length > 0) {
    const keptAgain = saveProfile(roots, { ...applied, wanted });
    if (!keptAgain.ok) return broken(keptAgain.error);
  }
  return ok({ ...outcome, rounded });
}

const attributesOf = (settings: readonly Setting[]): Attribute[] =>
  settings.map(({ attribute }) => attribute);

const byPath = (settings: readonly Setting[]): Map<string, Setting> =>
  new Map(settings.map((one) => [pathOf(one.attribute), one]));

/** Adds the original of everything that the old profile wanted and the new one doesn't. EPP is left to a governor that holds it. */
function withReturns(
  { settings, holdsEpp }: Plan,
  old: AppliedProfile | undefined,
  saved: ReadonlyMap<string, Setting>,
): Setting[] {
  const wanted = byPath(settings);
  for (const { attribute } of old?.wanted ?? []) {
    const path = pathOf(attribute);
    const original = saved.get(path);
    if (wanted.has(path) || !original) continue;
    const held = attribute.knob === "epp" && holdsEpp.has(attribute.domain);
    if (held && original.text !== "performance") continue;
    wanted.set(path, original);
  }
  return [...wanted.values()];
}

/** Reads what `attributes` say now, each once, by path; every one of them must be there. */
function readAll(
  cpuRoot: string,
  attributes: readonly Attribute[],
  beneath?: Beneath,
): Result<Map<string, Setting>, FailedSetting> {
  const dir = new AttrDir(cpuRoot);
  const found = new Map<string, Setting>();
  for (const attribute of attributes) {
    const path = pathOf(attribute);
    if (found.has(path)) continue;
    const under = beneath && textBeneath(beneath, attribute);
    const text = under === undefined ? dir.must(path) : ok(under);
    if (!text.ok) return err({ attribute, error: text.error });
    found.set(path, { attribute, text: text.value });
  }
  return ok(found);
}

/** Reads back what was written: clocks and EPP numbers may be rounded, everything else must stand as asked. */
function settle(
  cpuRoot: string,
  settings: readonly Setting[],
): Result<{ wanted: Setting[]; rounded: AppliedOutcome["rounded"] }, FailedSetting> {
  const now = readAll(cpuRoot, attributesOf(settings));
  if (!now.ok) return now;
  const wanted = [...now.value.values()];
  const rounded: { path: string; asked: string; held: string }[] = [];
  for (const { attribute, text } of settings) {
    const path = pathOf(attribute);
    const held = now.value.get(path)?.text ?? "";
    if (held === text) continue;
    if (!/floor|ceiling|epp/.test(attribute.knob) || !/^\d+$/.test(text)) {
      const code = `the kernel holds ${held}`;
      return err({ attribute, error: { kind: "sysfs", op: "write", path: `${cpuRoot}/${path}`, code } });
    }
    rounded.push({ path, asked: text, held });
  }
  return ok({ wanted, rounded });
}

/** Returns the refusal as sentences without a full stop, the most telling first. */
export function explainProfile(refusal: ProfileRefusal): string[] {
  const lack = (one: Lack) => `${one.knob} of ${one.where}: ${one.why}`;
  switch (refusal.kind) {
    case "impossible":
    case "unsupported":
      return refusal.lacks.length > 0 ? refusal.lacks.map(lack) : ["the profile asks for nothing"];
    case "held":
      return [
        `powermon holds domain ${refusal.domains.join(", ")} for a guest: let the running powermon apply the profile, or stop it first (after a crash: powermon restore)`,
      ];
    case "busy":
      return [`process ${refusal.pid} changes the profile already`];
    case "failed":
      return [
        `${explainSysfs(refusal.failed.error)} (${refusal.failed.attribute.knob}); ${refusal.notRolledBack.length === 0 ? "everything was rolled back" : "not everything could be rolled back"}`,
        ...refusal.notRolledBack.map((one) => `not rolled back: ${explainSysfs(one.error)}`),
      ];
    case "broken":
      return [explainSysfs(refusal.error)];
  }
}
