// A profile that wants another mode of the P-state driver, or the one of before: the mode first, all else planned in it, or all of it back.

import { err, ok, type Result } from "../../values/result.ts";
import { type Attribute, pathOf } from "../../sysfs/attribute.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import { PSTATE_MODES, readPstateMode } from "../../sysfs/driver/pstate-mode.ts";
import type { AppliedOutcome, ApplyOptions, ProfileRefusal } from "./outcome.ts";
import type { HostProfile } from "./host-profile.ts";
import { snapshotKnobs } from "./knob-snapshot.ts";
import { byPath, type FailedSetting, type Setting, toRecord } from "./setting.ts";
import { type AppliedProfile, forgetProfile, loadProfile, saveProfile } from "./store.ts";
import { heldDomains } from "./under-claim.ts";
import { restoreSettings, writeSetting } from "./write.ts";

type Done = Result<AppliedOutcome, ProfileRefusal>;

/** Applies by `apply` in the mode that `profile` wants, or that was there before a profile that wanted another. */
export function inMode(
  roots: Roots,
  profile: HostProfile,
  { only, dryRun, now }: ApplyOptions,
  apply: () => Done,
): Done {
  const stored = loadProfile(roots);
  const old =
    stored.ok && ["applied", "ended"].includes(stored.value.state) && "applied" in stored.value
      ? stored.value.applied
      : undefined;
  const move = only === undefined ? moveOf(cpuRootOf(roots), profile, old) : undefined;
  if (!stored.ok || move === undefined) return apply();
  const { from, to } = move;
  const change = { ...toRecord(to), from: from.text, step: 1 };
  if (dryRun) {
    const why = `The mode comes first: the clocks are made anew in it, and what follows is planned then.`;
    return ok({ changes: [change], left: [], rounded: [], warnings: [why] });
  }
  // What moves with the mode: every clock as it stands.
  const before = [from, ...snapshotKnobs(roots.sysfsRoot).filter(({ attribute }) => "domain" in attribute)];
  const held = heldDomains(
    roots,
    before.map(({ attribute }) => attribute),
  );
  if (!held.ok) return err({ kind: "broken", error: held.error });
  if (held.value.length > 0) return err({ kind: "held", domains: held.value });
  const originals = [...new Map([...byPath(before), ...byPath(old?.originals ?? [])]).values()];
  const kept = saveProfile(roots, { profile: profile.name, since: now, originals, wanted: [to] });
  if (!kept.ok) return err({ kind: "broken", error: kept.error });
  const switched = writeSetting(cpuRootOf(roots), to);
  if (!switched.ok) return takeBack(roots, old, before, { attribute: to.attribute, error: switched.error });
  const done = apply();
  if (!done.ok) return takeBack(roots, old, before, done.error);
  const rest = done.value.changes.map((one) => ({ ...one, step: one.step + 1 }));
  return ok({ ...done.value, changes: [change, ...rest] });
}

/** Returns the mode as it is and as it is to be; undefined where it stays, or can't be had. */
function moveOf(
  cpuRoot: string,
  { pstateMode }: HostProfile,
  old: AppliedProfile | undefined,
): { readonly from: Setting; readonly to: Setting } | undefined {
  const now = readPstateMode(cpuRoot);
  if (now === undefined) return undefined;
  const attribute: Attribute = { knob: "pstate mode", driver: now.driver };
  const path = pathOf(attribute);
  const asked = (old?.wanted ?? []).some((one) => pathOf(one.attribute) === path);
  const original = asked ? byPath(old?.originals ?? []).get(path)?.text : undefined;
  const text = pstateMode ?? original;
  const modes: readonly string[] = PSTATE_MODES[now.driver];
  if (text === undefined || text === now.mode || ![text, now.mode].every((mode) => modes.includes(mode)))
    return undefined;
  return { from: { attribute, text: now.mode }, to: { attribute, text } };
}

/** Puts mode and clocks back as they were, and what was in force. Returns the refusal. */
function takeBack(
  roots: Roots,
  old: AppliedProfile | undefined,
  before: readonly Setting[],
  why: FailedSetting | ProfileRefusal,
): Done {
  const cpuRoot = cpuRootOf(roots);
  const notRolledBack = restoreSettings(cpuRoot, before);
  if (notRolledBack.length === 0) {
    const forgotten = old ? saveProfile(roots, old) : forgetProfile(roots.stateDir);
    if (!forgotten.ok) return err({ kind: "broken", error: forgotten.error });
  }
  if (!("kind" in why)) return err({ kind: "failed", failed: why, notRolledBack });
  const [failed] = notRolledBack;
  return err(failed ? { kind: "failed", failed, notRolledBack } : why);
}
