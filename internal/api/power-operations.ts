// What can be asked of a running powermon about the host's own power, as plain data.

import type { Done } from "./operations.ts";

/** What the host can do; each part is absent where it could not be read, and `problems` says why. */
export interface CapabilitiesReport {
  readonly arch: string;
  readonly problems: readonly string[];
}

/** A profile as it is written. */
export interface ProfileReport {
  readonly name: string;
  readonly from: "built in" | "configuration";
  readonly summary: string;
  /** What becomes of a knob that the machine lacks. */
  readonly missing: "refuse" | "skip";
  readonly inForce: boolean;
  readonly boost?: boolean | undefined;
  readonly uncore?: object | undefined;
  readonly latencyUs?: number | undefined;
  readonly rules: readonly { readonly cpus: string }[];
}

/** One attribute, its path from /sys/devices/system/cpu on. */
export interface SettingReport {
  readonly path: string;
  readonly knob: string;
  readonly text: string;
}

/** A profile that was put in force, or would be. */
export interface AppliedReport {
  readonly profile: string;
  /** False for a dry run. */
  readonly applied: boolean;
  readonly changes: readonly (SettingReport & { readonly from: string })[];
  /** Knobs left out because this machine lacks them. */
  readonly left: readonly { readonly knob: string; readonly where: string; readonly why: string }[];
  /** Values that the kernel rounded. */
  readonly rounded: readonly { readonly path: string; readonly asked: string; readonly held: string }[];
  readonly latencyUs?: number | undefined;
}

/** A profile that was taken back. */
export interface OffReport {
  /** Absent when none was in force. */
  readonly profile: string | undefined;
  /** It was of another boot and has been forgotten. */
  readonly stale: boolean;
  readonly restored: readonly SettingReport[];
}

/** The profile in force and what has drifted from it. */
export interface ProfileStateReport {
  readonly state: "none" | "applied" | "stale";
  readonly profile?: string | undefined;
  readonly cpus?: string | undefined;
  readonly since?: string | undefined;
  readonly latencyUs?: number | undefined;
  readonly originals?: readonly SettingReport[] | undefined;
  readonly wanted?: readonly SettingReport[] | undefined;
  readonly drift: readonly (SettingReport & { readonly found?: string | undefined })[];
  /** Policies that claims hold within it. */
  readonly held: readonly number[];
}

/** A sleep that is asked for. */
export interface SuspendAsk {
  readonly target: "mem" | "disk" | "hybrid" | "freeze";
  /** Seconds until the wake alarm, or the time of it in ISO 8601, or somebody else wakes the host. */
  readonly wake: { readonly inS: number } | { readonly at: string } | "none";
  readonly force: boolean;
  readonly dryRun: boolean;
  /** What is done to libvirt's running VMs, and undone after. */
  readonly prepare: "none" | "pause" | "shutdown";
  /** What mem or disk means this time. */
  readonly variant?: string | undefined;
  /** Whether logind is asked where it runs. */
  readonly logind: boolean;
}

/** How a sleep went, or would go. */
export interface SuspendReport {
  readonly target: SuspendAsk["target"];
  readonly via: "kernel" | "logind";
  readonly slept: boolean;
  readonly wakeAt?: string | undefined;
  readonly clock?: string | undefined;
  readonly blockers: readonly { readonly what: string; readonly forceable: boolean }[];
  readonly warnings: readonly string[];
  readonly prepared: readonly string[];
  /** Absent in a dry run. */
  readonly record?:
    | {
        /** By the kernel's clocks, and by the real-time clock. */
        readonly sleptS?: number | undefined;
        readonly clockS?: number | undefined;
        readonly wokenBy: string;
      }
    | undefined;
  /** What could not be put back, a sentence each. */
  readonly notRestored: readonly string[];
}

/** The host's own power. */
export interface PowerOperations {
  capabilities(): Promise<Done<CapabilitiesReport>>;
  profiles(): readonly ProfileReport[];
  /** `cpus` limits it to a list, all, isolated, housekeeping or vm:NAME. */
  applyProfile(name: string, cpus: string | undefined, dryRun: boolean): Done<AppliedReport>;
  profileOff(): Done<OffReport>;
  verifyProfile(): Done<ProfileStateReport>;
  /** Answers when the host is awake again. */
  suspend(ask: SuspendAsk): Promise<Done<SuspendReport>>;
}
