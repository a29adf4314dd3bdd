// What a pinning source answers: one shape for all of them, so that the host need not know who answered.

import type { Pcpu } from "../values/units.ts";

/** Where a vCPU may run, as one source sees it. */
export type Pins =
  | { readonly kind: "known"; readonly pcpus: readonly Pcpu[] }
  /** This source sees the VM, and it has only `count` vCPUs. */
  | { readonly kind: "absent"; readonly count: number }
  | { readonly kind: "unknown"; readonly why: string };

/** What a source may look at to answer for one VM. */
export interface PinSubject {
  readonly vm: string;
  /** Pid of the process that holds the other end of the VM's channel; undefined when it can't be told. */
  readonly pid: number | undefined;
}

/** One way to learn the pinning. */
export interface PinSource {
  readonly name: string;
  /** Whether its answers change by themselves; others change with the configuration only. */
  readonly live: boolean;
  /** @param vcpu any non-negative number a guest may have sent */
  pins(subject: PinSubject, vcpu: number): Pins;
}
