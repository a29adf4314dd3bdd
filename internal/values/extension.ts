// What our guest and our host say beyond DPDK's packets, free of bytes: without it each side would know only half the words.

import type { Refusal } from "./refusal.ts";
import type { Step } from "./request.ts";

/** The newest version of the extension that this program speaks. */
export const EXTENSION_VERSION = 1;
/** Longest lease a guest may ask for, in seconds. */
export const MAX_LEASE_S = 3600;

/** What a guest asks. */
export type ExtensionAsk =
  /**
   * `version` is the newest one the guest speaks; `leaseS` 0 asks for claims that last until the channel goes; with `notices` the host
   * may speak first.
   */
  | { readonly do: "hello"; readonly version: number; readonly leaseS: number; readonly notices?: true }
  | { readonly do: "ping" }
  | { readonly do: "scale"; readonly step: Step }
  /** An absolute frequency; `turbo` is the leave to go above the highest one that is not turbo. */
  | { readonly do: "set-khz"; readonly khz: number; readonly turbo: boolean }
  /** Gives up the claim on one vCPU, or all that came through this channel. */
  | { readonly do: "release"; readonly all: boolean }
  /** The frequencies of a vCPU's clock, from number `first`. */
  | { readonly do: "freqs"; readonly first: number }
  | { readonly do: "state" }
  /** The VM's vCPUs from number `first`. */
  | { readonly do: "list"; readonly first: number }
  | { readonly do: "policy-remove" }
  /** A command or a value that this version doesn't know; it is answered, so that a newer guest needn't wait. */
  | {
      readonly do: "not-understood";
      readonly command: number;
      readonly why: "unknown-command" | "bad-value";
      readonly detail: string;
    };

/** Why the answer is no: what was wrong with the request, the kernel's no, or a refusal. `other` is one this version doesn't know. */
export type ExtensionNo = "unknown-command" | "bad-value" | "no-hello" | "failed" | "other" | Refusal["kind"];

/** Who decides what a clock gets. */
export const DECIDERS = ["nobody", "this-vcpu", "this-vm", "other-vm", "policy", "operator"] as const;
export type Decider = (typeof DECIDERS)[number];

/** Which limit changed the wish. */
export const CLIPS = ["none", "vm", "site"] as const;
export type Clip = (typeof CLIPS)[number];

/** A vCPU's clock and why it is what it is; kHz, 0 where there is none or it is not known. Never says who another VM is. */
export interface VcpuState {
  /** What this vCPU asked for. */
  readonly wishKhz: number;
  /** What the clock is set to. */
  readonly targetKhz: number;
  /** What the kernel was told, claimed or not. */
  readonly currentKhz: number;
  /** What this VM gets at least and at most. */
  readonly floorKhz: number;
  readonly ceilingKhz: number;
  /** The clock's own ends, turbo included, and its highest frequency that is not turbo. */
  readonly lowestKhz: number;
  readonly highestKhz: number;
  readonly nominalKhz: number;
  /** This VM's vCPUs with a claim on the same clock, this one included. */
  readonly ownClaims: number;
  /** Other VMs with a claim on the same clock. */
  readonly otherVms: number;
  readonly decidedBy: Decider;
  /** The vCPU of this VM that decides, when `decidedBy` is this-vcpu or this-vm. */
  readonly winner: number;
  readonly clippedBy: Clip;
  readonly turboAllowed: boolean;
  readonly hasTurbo: boolean;
  /** What is left of the channel's lease; 0 without one. */
  readonly leaseLeftMs: number;
  /** The last request of this channel that was refused, and how long ago; undefined when none was. */
  readonly lastNo: { readonly no: ExtensionNo; readonly agoS: number } | undefined;
}

/** One vCPU of a list; `khz` is 0 where it is not known. */
export interface ListedVcpu {
  readonly khz: number;
  readonly turbo: boolean;
  readonly priority: boolean;
}

/** What the host answers; `text` of a no is its sentence. */
export type ExtensionAnswer =
  | { readonly do: "no"; readonly no: ExtensionNo; readonly text: string }
  | {
      readonly do: "hello";
      readonly version: number;
      /** The lease granted, 0 for none. */
      readonly leaseS: number;
      /** How many vCPUs the host knows of; 0 when it doesn't. */
      readonly vcpus: number;
    }
  /** `lapses` counts the times that the lease ran out since HELLO: when it grew, the claims are gone. */
  | { readonly do: "ping"; readonly lapses: number }
  /** What the vCPU now asks for and what its clock is set to: higher when it is shared, 0 when the VM may not query. */
  | { readonly do: "scale" | "set-khz" | "release"; readonly wishKhz: number; readonly targetKhz: number }
  /** `nominal` is the number of the highest frequency that is not turbo, `khz` those from number `first` on, descending. */
  | {
      readonly do: "freqs";
      readonly total: number;
      readonly first: number;
      readonly nominal: number;
      readonly khz: readonly number[];
    }
  /** `text` is the sentence of `lastNo`. */
  | ({ readonly do: "state"; readonly text: string } & VcpuState)
  | {
      readonly do: "list";
      readonly total: number;
      readonly first: number;
      readonly vcpus: readonly ListedVcpu[];
    }
  | { readonly do: "policy-remove"; readonly removed: boolean };

/** What the host says unasked, to a guest that wants it. */
export type Notice =
  /** The host is about to sleep; `wakeS` is when it expects to wake, in s since 1970, 0 when it doesn't know. */
  | { readonly do: "host-sleeps"; readonly wakeS: number }
  /** The host is awake; 0 when it never slept or can't tell. */
  | { readonly do: "host-awake"; readonly sleptS: number };
