// A wish as it stands and who has it: without it the ledger could not tell a guest's word from its policy's or an operator's.

import type { Limits, Wish } from "./arbitrate.ts";
import type { Grant } from "./authorize.ts";
import type { Level } from "../values/frequency.ts";
import type { DomainId } from "../values/units.ts";
import type { Lease } from "./lease.ts";

/** Whoever can hold a wish and go away: a channel, an operator, a policy. */
export type Owner = object;

/**
 * Where a vCPU's wishes stand, one in each: `guest` holds what it asked last, by scale request or policy; `policy` the
 * operator's policy for it, which speaks in the guest's place; `operator` an operator's word on a pCPU.
 */
export const SLOTS = ["guest", "policy", "operator"] as const;
export type Slot = (typeof SLOTS)[number];

/** On whose behalf a wish is made. */
export interface Claimant {
  readonly slot: Slot;
  /** How it came about; `policy` in slot guest is the guest's own. */
  readonly by: "guest" | "policy" | "fifo" | "operator";
  readonly owner: Owner;
  limitsIn(domain: DomainId): Limits;
  /** Of a channel: what its guest agreed with HELLO. */
  readonly lease?: Lease;
}

/** A wish as it stands in the ledger. */
export class Claim implements Wish {
  readonly grant: Grant;
  readonly claimant: Claimant;
  level: Level;
  superseded = false;

  constructor(grant: Grant, claimant: Claimant, level: Level) {
    this.grant = grant;
    this.claimant = claimant;
    this.level = level;
  }

  get operator(): boolean {
    return this.claimant.slot === "operator";
  }

  limitsIn(domain: DomainId): Limits {
    return this.claimant.limitsIn(domain);
  }
}
