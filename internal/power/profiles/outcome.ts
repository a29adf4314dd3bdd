// What can come of applying a profile, how it is asked for, and why it is refused, in sentences.

import type { DomainId, Pcpu } from "../../values/units.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import type { Busy } from "../../os/lock.ts";
import type { CpuSets } from "./cpu-selector.ts";
import type { Lack, Rounded } from "./plan/draft.ts";
import type { FailedSetting, SettingRecord } from "./setting.ts";

/** One attribute's way. */
export interface Change extends SettingRecord {
  readonly from: string;
  /** From 1; turbo comes first, for it moves what clocks can be set to. */
  readonly step: number;
}

/** A profile that is in force, or would be. */
export interface AppliedOutcome {
  /** Attributes that differ from before, in the order in which they are written. */
  readonly changes: readonly Change[];
  /** Knobs that were left out because this machine lacks them. */
  readonly left: readonly Lack[];
  /** Values the kernel rounded: what was asked, and what it holds. */
  readonly rounded: readonly Rounded[];
  /** What stays as it is though the profile is in force, and who works against it; a sentence each. */
  readonly warnings: readonly string[];
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
