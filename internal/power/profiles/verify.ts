// Whether the profile in force still holds, as plain data: the command and the daemon tell it alike.

import { ok, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { isAs, isAway, readSetting, type SettingRecord, toRecord } from "./setting.ts";
import { type AppliedProfile, loadProfile } from "./store.ts";
import { beneathClaims, settingBeneath } from "./under-claim.ts";

/** An attribute that no longer has what the profile gave it; without `found`, one that can't be read any more. */
type Drift = SettingRecord & { readonly found?: string };

/** What is in force; `stale` is left over from another boot and gone with it. */
export interface ProfileState extends Partial<Omit<AppliedProfile, "originals" | "wanted" | "written">> {
  readonly state: "none" | "applied" | "stale";
  readonly originals?: readonly SettingRecord[];
  readonly wanted?: readonly SettingRecord[];
  readonly drift: readonly Drift[];
  /** Domains that a guest's claim holds within it: they are judged by what they go back to. */
  readonly held: readonly DomainId[];
}

/** Reads what is in force and what of it has drifted; what is offline can't be judged. Errors: as loadProfile. */
export function verifyProfile(roots: Roots): Result<ProfileState, SysfsError> {
  const stored = loadProfile(roots);
  if (!stored.ok) return stored;
  if (stored.value.state === "none" || stored.value.state === "ended")
    return ok({ state: "none", drift: [], held: [] });
  const { applied, state } = stored.value;
  const records = { originals: applied.originals.map(toRecord), wanted: applied.wanted.map(toRecord) };
  const { drift, held } = state === "applied" ? driftOf(roots, applied) : { drift: [], held: [] };
  const { written: _, ...told } = applied;
  return ok({ state, ...told, ...records, drift, held });
}

function driftOf(roots: Roots, { wanted }: AppliedProfile): Pick<ProfileState, "drift" | "held"> {
  const cpuRoot = cpuRootOf(roots);
  const beneath = beneathClaims(roots);
  const drift: Drift[] = [];
  const held = new Set<DomainId>();
  for (const want of wanted) {
    const { attribute } = want;
    const underneath = settingBeneath(beneath, attribute);
    if (underneath !== undefined && "domain" in attribute) held.add(attribute.domain);
    const found = underneath ? ok(underneath) : readSetting(cpuRoot, attribute);
    if (!found.ok) {
      if (!isAway(cpuRoot, attribute, found.error)) drift.push(toRecord(want));
    } else if (!isAs(want, found.value)) drift.push({ ...toRecord(want), found: found.value.text });
  }
  return { drift, held: [...held].sort((a, b) => a - b) };
}

/** Returns whether nothing has drifted and nothing went with the last boot. */
export const stillHolds = (of: {
  readonly state: ProfileState["state"];
  readonly drift: readonly object[];
}): boolean => of.state !== "stale" && of.drift.length === 0;
