// A profile comes into force whole or not at all: without it a failure half way would leave a machine that nobody described.

import { err, ok, type Result } from "../../values/result.ts";
import type { DomainId, Pcpu } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { OriginalsStore } from "../../sysfs/cpufreq/store.ts";
import type { CpuSets } from "./cpu-selector.ts";
import type { HostProfile } from "./host-profile.ts";
import { type Busy, takeLock } from "../../os/lock.ts";
import { type Lack, planProfile } from "./plan.ts";
import { type AppliedProfile, forgetProfile, loadProfile, saveProfile } from "./store.ts";
import { beneathClaims } from "./under-claim.ts";
import { type FailedSetting, restoreSettings, type Setting, writeSettings } from "./setting.ts";

/** One attribute's way. */
export interface Change extends Setting {
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
  /** A guest's claim holds these policies now. */
  | { readonly kind: "held"; readonly policies: readonly DomainId[] }
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
  const cpuRoot = `${roots.sysfsRoot}/devices/system/cpu`;
  const before = loadProfile(roots);
  if (!before.ok) return broken(before.error);
  const old = before.value.state === "applied" ? before.value.applied : undefined;
  const beneath = options.dryRun && options.givesBack ? beneathClaims(roots) : undefined;
  const { settings, sideEffects, lacking, problems, latencyUs } = planProfile(
    cpuRoot,
    profile,
    options.sets,
    {
      only: options.only?.cpus,
      canHold: options.canHold === true,
      ...(beneath && { beneath }),
    },
  );
  const fatal = profile.missing === "refuse" ? [...problems, ...lacking] : problems;
  if (problems.length > 0) return err({ kind: "impossible", lacks: fatal });
  if (fatal.length > 0 || (settings.length === 0 && latencyUs === undefined))
    return err({ kind: "unsupported", lacks: fatal.length > 0 ? fatal : lacking });

  const now = readAll(cpuRoot, [...settings, ...sideEffects, ...(old?.originals ?? [])], beneath);
  if (!now.ok) return broken(now.error);
  const saved = new Map((old?.originals ?? []).map((one) => [one.path, one]));
  const originals = [...now.value.values()].map((one) => saved.get(one.path) ?? one);
  const targets = withReturns(settings, old, saved);
  const changes = targets
    .map((one): Change => ({ ...one, from: now.value.get(one.path)?.text ?? "" }))
    .filter((one) => one.from !== one.text);
  const outcome = { changes, left: lacking, ...(latencyUs !== undefined && { latencyUs }) };
  const held = beneath ? ok([]) : heldPolicies(roots, originals);
  if (!held.ok) return broken(held.error);
  if (held.value.length > 0) return err({ kind: "held", policies: held.value });
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
    const back = targets.map((one) => now.value.get(one.path) ?? one);
    const notRolledBack = restoreSettings(cpuRoot, [
      ...back,
      ...sideEffectsBack(sideEffects, now.value, back),
    ]);
    // Originals that could not be put back stay on disk for another try.
    if (notRolledBack.length === 0) {
      const forgotten = old ? saveProfile(roots, old) : forgetProfile(roots.stateDir);
      if (!forgotten.ok) return broken(forgotten.error);
    }
    return err({ kind: "failed", failed, notRolledBack } as const);
  };
  const wrote = writeSettings(cpuRoot, targets);
  if (wrote.failed) return undo(wrote.failed);
  const settled = settle(cpuRoot, settings);
  if (!settled.ok) return undo(settled.error);
  const { wanted, rounded } = settled.value;
  if (rounded.length > 0) {
    const keptAgain = saveProfile(roots, { ...applied, wanted });
    if (!keptAgain.ok) return broken(keptAgain.error);
  }
  return ok({ ...outcome, rounded });
}

/** Adds the original of everything that the old profile wanted and the new one doesn't. EPP is left to governor performance. */
function withReturns(
  settings: readonly Setting[],
  old: AppliedProfile | undefined,
  saved: ReadonlyMap<string, Setting>,
): Setting[] {
  const wanted = new Map(settings.map((one) => [one.path, one]));
  for (const { path, knob } of old?.wanted ?? []) {
    const original = saved.get(path);
    if (wanted.has(path) || !original) continue;
    const governor = wanted.get(`${path.slice(0, path.lastIndexOf("/"))}/scaling_governor`);
    if (knob === "epp" && governor?.text === "performance" && original.text !== "performance") continue;
    wanted.set(path, original);
  }
  return [...wanted.values()];
}

/** Settings that moved by themselves go back too, after those that moved them. */
const sideEffectsBack = (
  sideEffects: readonly Pick<Setting, "path">[],
  now: ReadonlyMap<string, Setting>,
  back: readonly Setting[],
): Setting[] =>
  [...new Set(sideEffects.map((one) => one.path))]
    .filter((path) => !back.some((one) => one.path === path))
    .flatMap((path) => now.get(path) ?? []);

/** Reads what `of` have now, each path once; every one of them must be there. */
function readAll(
  cpuRoot: string,
  of: readonly Pick<Setting, "path" | "knob">[],
  beneath?: ReturnType<typeof beneathClaims>,
): Result<Map<string, Setting>, SysfsError> {
  const dir = new AttrDir(cpuRoot);
  const found = new Map<string, Setting>();
  for (const { path, knob } of of) {
    if (found.has(path)) continue;
    const under = beneath?.(path)?.text;
    const text = under === undefined ? dir.read(path) : ok(under);
    if (!text.ok) return text;
    if (text.value === undefined)
      return err({ kind: "sysfs", op: "read", path: `${cpuRoot}/${path}`, code: "ENOENT" });
    found.set(path, { path, text: text.value, knob });
  }
  return ok(found);
}

/** Returns the policies of `settings` that a guest's claim holds: their files say what the guest wants, not what the operator does. */
export function heldPolicies(roots: Roots, settings: readonly Setting[]): Result<DomainId[], SysfsError> {
  const store = new OriginalsStore(roots.stateDir, roots.procRoot);
  const touched = new Set(settings.map((one) => /^cpufreq\/policy(\d+)\//.exec(one.path)?.[1]));
  const ids = store.list();
  if (!ids.ok) return ids;
  const held: DomainId[] = [];
  for (const id of ids.value) {
    if (!touched.has(`${id}`)) continue;
    const saved = store.load(id);
    if (!saved.ok) return saved;
    if (saved.value.state === "saved") held.push(id);
  }
  return ok(held);
}

/** Reads back what was written: clocks and EPP numbers may be rounded, everything else must stand as asked. */
function settle(
  cpuRoot: string,
  settings: readonly Setting[],
): Result<{ wanted: Setting[]; rounded: { path: string; asked: string; held: string }[] }, FailedSetting> {
  const now = readAll(cpuRoot, settings);
  if (!now.ok) {
    const setting = settings.find((one) => now.error.path.endsWith(one.path));
    if (!setting) throw new Error(`no setting has ${now.error.path}`);
    return err({ setting, error: now.error });
  }
  const rounded: { path: string; asked: string; held: string }[] = [];
  for (const setting of settings) {
    const held = now.value.get(setting.path)?.text ?? "";
    if (held === setting.text) continue;
    const mayRound = /floor|ceiling|epp/.test(setting.knob) && /^\d+$/.test(setting.text);
    const path = `${cpuRoot}/${setting.path}`;
    if (!mayRound)
      return err({ setting, error: { kind: "sysfs", op: "write", path, code: `the kernel holds ${held}` } });
    rounded.push({ path: setting.path, asked: setting.text, held });
  }
  return ok({ wanted: settings.map((one) => now.value.get(one.path) ?? one), rounded });
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
        `powermon holds policy ${refusal.policies.join(", ")} for a guest: let the running powermon apply the profile, or stop it first (after a crash: powermon restore)`,
      ];
    case "busy":
      return [`process ${refusal.pid} changes the profile already`];
    case "failed":
      return [
        `${explainSysfs(refusal.failed.error)} (${refusal.failed.setting.knob}); ${refusal.notRolledBack.length === 0 ? "everything was rolled back" : "not everything could be rolled back"}`,
        ...refusal.notRolledBack.map((one) => `not rolled back: ${explainSysfs(one.error)}`),
      ];
    case "broken":
      return [explainSysfs(refusal.error)];
  }
}
