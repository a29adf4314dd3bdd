// What our guest and our host say beyond DPDK's packets, free of bytes, one row a command. As bytes: packet/extension-table.ts.

import type { Refusal } from "./refusal.ts";
import type { Step } from "./frequency.ts";

/** The newest version of the extension that this program speaks. */
export const EXTENSION_VERSION = 1;
/** Longest lease a guest may ask for, in seconds. */
export const MAX_LEASE_S = 3600;

/** What a guest asks by each command, and what the host answers when it isn't no. */
export interface Extension {
  hello: {
    /** `version` is the newest one the guest speaks; `leaseS` 0 asks for claims that last until the channel goes; with `notices` the host may speak first. */
    ask: { version: number; leaseS: number; notices?: boolean };
    /** `leaseS` is the lease granted, 0 for none; `vcpus` how many the host knows of, 0 when it doesn't. */
    answer: { version: number; leaseS: number; vcpus: number };
  };
  /** `lapses` counts the times that the lease ran out since HELLO: when it grew, the claims are gone. */
  ping: { ask: object; answer: { lapses: number } };
  scale: { ask: { step: Step }; answer: Clocks };
  /** An absolute frequency; `turbo` is the leave to go above the highest one that is not turbo. */
  "set-khz": { ask: { khz: number; turbo: boolean }; answer: Clocks };
  /** Gives up the claim on one vCPU, or all that came through this channel. */
  release: { ask: { all: boolean }; answer: Clocks };
  /** A clock's frequencies, descending, from number `first` on; `nominal` is the number of the highest that is not turbo. */
  /** `turboAtStart` says that the VM's steps may lead into turbo before it has said so. */
  freqs: {
    ask: { first: number };
    answer: Page & { nominal: number; turboAtStart: boolean; khz: readonly number[] };
  };
  /** `text` is the sentence of `lastNo`. */
  state: { ask: object; answer: VcpuState & { text: string } };
  /** The VM's vCPUs from number `first` on. */
  list: { ask: { first: number }; answer: Page & { vcpus: readonly ListedVcpu[] } };
  "policy-remove": { ask: object; answer: { removed: boolean } };
  energy: { ask: object; answer: VmJoules };
}

export type ExtensionCommand = keyof Extension;
type Side<C extends ExtensionCommand, S extends "ask" | "answer"> = {
  [K in C]: Readonly<{ do: K } & Extension[K][S]>;
}[C];
/** What is asked by a command of `C`. */
export type AskOf<C extends ExtensionCommand = ExtensionCommand> = Side<C, "ask">;
/** What it is answered. */
export type AnswerOf<C extends ExtensionCommand = ExtensionCommand> = Side<C, "answer">;

export type ExtensionAsk =
  | AskOf
  /** A command or a value that this version doesn't know; it is answered, so that a newer guest needn't wait. */
  | {
      readonly do: "not-understood";
      readonly command: number;
      readonly why: "unknown-command" | "bad-value";
      readonly detail: string;
    };

export type ExtensionAnswer = AnswerOf | No;

/** `text` is its sentence. */
export interface No {
  readonly do: "no";
  readonly no: ExtensionNo;
  readonly text: string;
}

/** Why the answer is no: what was wrong with the request, the kernel's no, or a refusal. `other` is one this version doesn't know. */
export type ExtensionNo = "unknown-command" | "bad-value" | "no-hello" | "failed" | "other" | Refusal["kind"];

/** What the vCPU now asks for and what its clock is set to: higher when it is shared, 0 when the VM may not query. */
export interface Clocks {
  readonly wishKhz: number;
  readonly targetKhz: number;
}

/** A part of a list of `total`, from number `first` on. */
interface Page {
  readonly total: number;
  readonly first: number;
}

/** What a VM's vCPUs used of the host's packages since the host began to count for it. */
export interface VmJoules {
  /** A whole multiple of `resolutionJ`. */
  readonly joules: number;
  /** How long was counted; 0 until the first period is over. */
  readonly seconds: number;
  /** Both change once in so many seconds, when the host looks and not when it is asked. */
  readonly periodS: number;
  readonly resolutionJ: number;
}

/** Who decides what a clock gets. */
export type Decider = "nobody" | "this-vcpu" | "this-vm" | "other-vm" | "policy" | "operator";
/** Which limit changed the wish. */
export type Clip = "none" | "vm" | "site";

/** A vCPU's clock and why it is what it is; kHz, 0 where there is none or it is not known. Never says who another VM is. */
export interface VcpuState extends Clocks {
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

/** What the host says unasked, to a guest that wants it. */
export type Notice =
  /** The host is about to sleep; `wakeS` is when it expects to wake, in s since 1970, 0 when it doesn't know. */
  | { readonly do: "host-sleeps"; readonly wakeS: number }
  /** The host is awake; 0 when it never slept or can't tell. */
  | { readonly do: "host-awake"; readonly sleptS: number };
