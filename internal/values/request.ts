// What a guest can ask and what it is answered: the words that host and guest share, free of bytes and offsets.

import type { Step } from "./frequency.ts";
import type { ExtensionAnswer, ExtensionAsk, Notice } from "./extension.ts";

/** Named levels of a policy. Source: DPDK rte_power_guest_channel.h, enum rte_power_workload_level. */
export const WORKLOADS = ["high", "medium", "low"] as const;
export type Workload = (typeof WORKLOADS)[number];

/** Kinds of guest policy. Source: DPDK rte_power_guest_channel.h, enum rte_power_policy. */
export const POLICY_TYPES = ["traffic", "time", "workload", "branch-ratio"] as const;
export type PolicyType = (typeof POLICY_TYPES)[number];

/** Most vCPUs that one v1 policy or query reply can carry. Source: RTE_POWER_MAX_VCPU_PER_VM. */
export const MAX_V1_VCPUS = 8;

/** A policy as it stands in the packet: counts and hours are bounded already, vCPU numbers are still claims. */
export interface GuestPolicy {
  readonly type: PolicyType;
  readonly vcpus: readonly number[];
  /** Lower-case, colon-separated. */
  readonly macs: readonly string[];
  /** Received packets per second: at or above max -> max; at or above avg -> medium; else min. */
  readonly traffic: { readonly min: number; readonly avg: number; readonly max: number };
  /** Local hours, 0-23. */
  readonly busyHours: readonly number[];
  readonly quietHours: readonly number[];
  readonly trafficHours: readonly number[];
  readonly workload: Workload;
  readonly turbo: boolean;
}

/** What stands in every request but CONNECT: claims of the guest, not yet believed. */
interface Stated {
  /** The vCPU number as sent: any integer from 0 to 2^64; bound it before use. */
  readonly vcpu: number;
  /** The VM name as sent; empty when the format has none. */
  readonly vmName: string;
  /** True when the guest says that it names a host core (DPDK core_type PHYSICAL). */
  readonly physical: boolean;
}

/** One decoded guest message. `unknown` keeps what a log needs. */
export type Request =
  | { readonly kind: "connect" }
  | (Stated & { readonly kind: "scale"; readonly step: Step })
  | (Stated & { readonly kind: "policy"; readonly policy: GuestPolicy })
  | (Stated & { readonly kind: "policy-remove" })
  | (Stated & { readonly kind: "query-freq"; readonly all: boolean })
  | (Stated & { readonly kind: "query-caps"; readonly all: boolean })
  /** Our own words; `sequence` comes back in the answer. */
  | (Stated & { readonly kind: "extension"; readonly sequence: number; readonly ask: ExtensionAsk });

/** The host's answer as a guest sees it. */
export type Reply =
  | { readonly kind: "ack" | "nack"; readonly vcpu: number; readonly vmName: string; readonly unit: number }
  | {
      readonly kind: "freq-list";
      readonly vcpu: number;
      readonly vmName: string;
      readonly count: number;
      readonly khz: readonly number[];
    }
  | {
      readonly kind: "caps-list";
      readonly vcpu: number;
      readonly vmName: string;
      readonly count: number;
      readonly caps: readonly VcpuCaps[];
    }
  | {
      readonly kind: "extension";
      readonly vcpu: number;
      readonly vmName: string;
      readonly sequence: number;
      readonly answer: ExtensionAnswer;
    }
  /** No answer: said unasked. */
  | { readonly kind: "notice"; readonly notice: Notice };

/** What a vCPU's core can do. Source: RTE_POWER caps: turbo, priority (a core with a higher base frequency). */
export interface VcpuCaps {
  readonly turbo: boolean;
  readonly priority: boolean;
}
