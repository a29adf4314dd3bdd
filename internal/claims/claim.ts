// A wish as it stands, and who has it.

import type { Limits, Wish } from "./arbitrate.ts";
import type { Grant } from "./authorize.ts";
import type { Level } from "../values/frequency.ts";
import type { DomainId } from "../values/units.ts";

/**
 * Where a vCPU's wishes stand, one in each: `guest` holds what it asked last, by scale request or policy; `policy` the
 * operator's policy for it, which speaks in the guest's place; `operator` an operator's word on a pCPU.
 */
export const SLOTS = ["guest", "policy", "operator"] as const;
export type Slot = (typeof SLOTS)[number];

/**
 * Whoever can wish and go away: one connection of a guest, the policy of one origin for one subject, the FIFOs, the operator. Each is
 * one object for as long as it is there and is told from all others by that (===), since two of them may be alike in every field.
 */
export interface Claimant {
  readonly slot: Slot;
  /** How it came about; `policy` in slot guest is the guest's own. */
  readonly by: "guest" | "policy" | "fifo" | "operator";
  /** True once it is gone: what it wished is not put back. */
  readonly gone?: boolean;
  /** Of an operator, who asked. */
  readonly user?: string | undefined;
  /** Whether it may use turbo at all: where it may, it starts as the clock does. */
  readonly turbo: boolean;
  limitsIn(domain: DomainId): Limits;
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
