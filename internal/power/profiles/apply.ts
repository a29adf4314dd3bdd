// A profile comes into force whole or not at all: planned, saved, written in stages, read back, or taken back.

import { err, ok, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import { type Attribute, pathOf } from "../../sysfs/attribute.ts";
import { lacksTurbo, NO_TURBO_HERE } from "../../sysfs/cpufreq/boost.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import type { Lack } from "./plan/draft.ts";
import type { HostProfile } from "./host-profile.ts";
import { takeLock } from "../../os/lock.ts";
import { inMode } from "./mode.ts";
import type { AppliedOutcome, ApplyOptions, Change, ProfileRefusal } from "./outcome.ts";
import { type Plan, planProfile } from "./plan/plan.ts";
import { irqWarnings } from "./plan/plan-irq.ts";
import { readAll } from "./read-all.ts";
import type { Standing } from "./plan/plan-domain.ts";
import { returnsOf, withReturns } from "./returns.ts";
import { settle } from "./settle.ts";
import { type AppliedProfile, forgetProfile, loadProfile, saveProfile, writtenAs } from "./store.ts";
import { switchTurbo } from "./turbo.ts";
import { type Beneath, beneathClaims, heldDomains, settingBeneath } from "./under-claim.ts";
import {
  attributesOf,
  byPath,
  type FailedSetting,
  isAs,
  isInMode,
  type Setting,
  toRecord,
} from "./setting.ts";
import { inWriteOrder, restoreSettings, stepsOf, writeSettings } from "./write.ts";

/**
 * Puts `profile` in force: all is checked and the originals are saved; turbo is switched, what it moves is read again and planned anew, and
 * all is written. What a profile before it had changed and this one does not goes back to its original. A guest's claims must have been
 * given back before and may be made again after.
 */
export function applyProfile(
  roots: Roots,
  profile: HostProfile,
  options: ApplyOptions,
): Result<AppliedOutcome, ProfileRefusal> {
  const here = () => inMode(roots, profile, options, () => applyLocked(roots, profile, options));
  if (options.dryRun) return here();
  const lock = takeLock(`${roots.stateDir}/profile.lock`);
  if (!lock.ok) return err(lock.error.kind === "busy" ? lock.error : { kind: "broken", error: lock.error });
  try {
    return here();
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
  const stored = loadProfile(roots);
  if (!stored.ok) return broken(stored.error);
  const { state } = stored.value;
  const old = state === "applied" || state === "ended" ? stored.value.applied : undefined;
  const beneath = options.dryRun && options.givesBack ? beneathClaims(roots) : undefined;
  const saved = byPath(old?.originals ?? []);
  const returns = returnsOf(old, saved);
  const planned = {
    only: options.only?.cpus,
    canHold: options.canHold === true,
    goesBack: (domain: DomainId) => standing(domain, beneath, returns),
    original: (attribute: Attribute) => saved.get(pathOf(attribute))?.text,
  };
  const turboMoves = [...returns.values()].some(({ attribute }) => attribute.knob === "boost");
  const turbo = turboMoves && profile.boost === undefined ? "moves" : undefined;
  const plan = planProfile(cpuRoot, profile, options.sets, { ...planned, turbo });
  const refusal = refusalOf(profile, plan);
  if (refusal) return err(refusal);

  const touched = [
    ...attributesOf(plan.settings),
    ...plan.sideEffects,
    ...attributesOf(old?.originals ?? []).filter((one) => isInMode(cpuRoot, one)),
  ];
  const now = readAll(cpuRoot, touched, beneath);
  if (!now.ok) return broken(now.error);
  const before = now.value;
  const originals = [...new Map([...before, ...saved]).values()];
  // Nothing is written that has not been read and saved, such as what is offline.
  const refused = new Map<string, Lack>();
  const isFree = ({ attribute }: Setting) => before.has(pathOf(attribute)) && !refused.has(pathOf(attribute));
  const first = withReturns(plan, returns, saved).filter(isFree);
  const held = beneath ? ok([]) : heldDomains(roots, attributesOf(originals));
  if (!held.ok) return broken(held.error);
  if (held.value.length > 0) return err({ kind: "held", domains: held.value });
  const staying = () => [...refused.values()].filter(({ stays }) => stays);
  const outcomeOf = ({ lacking, latencyUs }: Plan, ordered: readonly Setting[], left: readonly Lack[]) => ({
    changes: changesOf(ordered, before),
    left: [...lacking, ...left],
    warnings: plan.settings.some(({ attribute }) => attribute.knob === "irq")
      ? irqWarnings({ cpuRoot, procRoot: roots.procRoot }, staying(), options.sets)
      : [],
    ...(latencyUs !== undefined && { latencyUs }),
  });
  if (options.dryRun) {
    const why = `${NO_TURBO_HERE}, says /proc/cpuinfo; it is tried, and left out when the kernel refuses`;
    const doubtful = plan.turboRises && profile.boost === true && lacksTurbo(roots.procRoot);
    const left = doubtful ? [{ knob: "boost", where: "machine", why }] : [];
    return ok({ ...outcomeOf(plan, [...inWriteOrder(cpuRoot, first)], left), rounded: plan.rounded });
  }

  const applied: AppliedProfile = {
    profile: profile.name,
    since: options.now,
    originals,
    wanted: plan.settings,
    written: writtenAs(profile),
    ...(options.only && { cpus: options.only.text }),
    ...(plan.latencyUs !== undefined && { latencyUs: plan.latencyUs }),
  };
  const kept = saveProfile(roots, applied);
  if (!kept.ok) return broken(kept.error);
  const undo = (why: FailedSetting | ProfileRefusal) => {
    // What moved by itself goes back too; stages order it after what moved it.
    const moved = new Set([...attributesOf(first), ...plan.sideEffects].map(pathOf));
    const inForce = byPath(old?.wanted ?? []);
    const back = [...moved].flatMap((path) => {
      const [was, set] = [before.get(path), inForce.get(path)];
      return was && set && isAs(set, was) ? set : (was ?? []);
    });
    const notRolledBack = restoreSettings(cpuRoot, back);
    // Originals that could not be put back stay on disk for another try.
    if (notRolledBack.length === 0) {
      const forgotten = old ? saveProfile(roots, old) : forgetProfile(roots.stateDir);
      if (!forgotten.ok) return broken(forgotten.error);
    }
    const [failed] = "kind" in why ? notRolledBack : [why];
    return err(failed ? ({ kind: "failed", failed, notRolledBack } as const) : (why as ProfileRefusal));
  };
  const switched = switchTurbo(cpuRoot, first);
  if (switched.failed) return undo(switched.failed);
  for (const [path, lack] of switched.refused) refused.set(path, lack);
  // Turbo has moved what clocks can be set to, so all is read and planned again.
  const again = planProfile(cpuRoot, profile, options.sets, { ...planned, turbo: "done" });
  const possible = (): Plan => ({
    ...again,
    settings: again.settings.filter(isFree),
    lacking: [...again.lacking, ...[...new Set(refused.values())].filter(({ stays }) => !stays)],
  });
  const impossible = refusalOf(profile, possible());
  if (impossible) return undo(impossible);
  const targets = withReturns(possible(), returns, saved).filter(isFree);
  const ordered = [...inWriteOrder(cpuRoot, targets)];
  const failed = writeSettings(cpuRoot, targets, refused);
  if (failed) return undo(failed);
  const final = possible();
  const insists = refusalOf(profile, final);
  if (insists) return undo(insists);
  const settled = settle(cpuRoot, final.settings);
  if (!settled.ok) return undo(settled.error);
  const { wanted, rounded } = settled.value;
  const outcome = outcomeOf(final, ordered.filter(isFree), []);
  const inForce = ok({ ...outcome, rounded: [...final.rounded, ...rounded] });
  if (Bun.deepEquals(wanted, applied.wanted)) return inForce;
  const keptAgain = saveProfile(roots, { ...applied, wanted });
  return keptAgain.ok ? inForce : undo({ kind: "broken", error: keptAgain.error });
}

/** Returns why `plan` can't be carried out; undefined when it can. */
function refusalOf(profile: HostProfile, plan: Plan): ProfileRefusal | undefined {
  const { settings, lacking, problems, latencyUs } = plan;
  const fatal = profile.missing === "refuse" ? [...problems, ...lacking] : problems;
  if (problems.length > 0) return { kind: "impossible", lacks: fatal };
  if (fatal.length > 0) return { kind: "unsupported", lacks: fatal };
  return settings.length === 0 && latencyUs === undefined
    ? { kind: "unsupported", lacks: lacking }
    : undefined;
}

/** Returns what domain `id` goes back to before a profile is written: beneath its claim, and before the profile that stood. */
function standing(
  domain: DomainId,
  beneath: Beneath | undefined,
  returns: ReadonlyMap<string, Setting>,
): Standing {
  const back = (knob: "governor" | "floor" | "ceiling") => {
    const attribute = { knob, domain } as const;
    return (returns.get(pathOf(attribute)) ?? (beneath && settingBeneath(beneath, attribute)))?.text;
  };
  return { governor: back("governor"), floor: back("floor"), ceiling: back("ceiling") };
}

/** Returns what of `ordered` differs from `before`. */
function changesOf(ordered: readonly Setting[], before: ReadonlyMap<string, Setting>): Change[] {
  const differing = ordered.flatMap((setting) => {
    const was = before.get(pathOf(setting.attribute));
    return was && isAs(setting, was) ? [] : [{ setting, from: was?.text ?? "" }];
  });
  const steps = stepsOf(differing.map(({ setting }) => setting));
  return differing.map(({ setting, from }, index) => ({
    ...toRecord(setting),
    from,
    step: steps[index] ?? 0,
  }));
}
