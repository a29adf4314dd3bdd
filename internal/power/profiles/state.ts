// The profile in force as plain data: without it the command and the daemon would tell the same thing in two shapes.

import type { ProfileStatus } from "./off.ts";
import { type SettingRecord, toRecord } from "./setting.ts";

/** What is in force; `stale` is left over from another boot and gone with it. */
export interface ProfileState {
  readonly state: "none" | "applied" | "stale";
  readonly profile?: string;
  /** What it was limited to. */
  readonly cpus?: string;
  /** ISO 8601. */
  readonly since?: string;
  readonly latencyUs?: number;
  readonly originals?: readonly SettingRecord[];
  readonly wanted?: readonly SettingRecord[];
  /** Attributes that somebody else changed; without `found`, one that can't be read any more. */
  readonly drift: readonly (SettingRecord & { readonly found?: string })[];
  /** Domains that guests' claims hold within it. */
  readonly held: readonly number[];
}

/** Returns `status` as plain data. */
export function profileState({ stored, drift, held }: ProfileStatus): ProfileState {
  return {
    state: stored.state,
    ...(stored.state !== "none" && {
      ...stored.applied,
      originals: stored.applied.originals.map(toRecord),
      wanted: stored.applied.wanted.map(toRecord),
    }),
    drift: drift.map((one) => ({ ...toRecord(one), ...(one.found !== undefined && { found: one.found }) })),
    held,
  };
}

/** Returns whether nothing has drifted and nothing went with the last boot. */
export const stillHolds = (of: {
  readonly state: ProfileState["state"];
  readonly drift: readonly object[];
}): boolean => of.state !== "stale" && of.drift.length === 0;
