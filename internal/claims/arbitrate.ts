// Who gets what on a shared clock: operators before guests, the highest wish first, limits over all.

import type { Level } from "../values/frequency.ts";
import { type DomainId, type Khz, khz } from "../values/units.ts";

/** The least and the most that somebody may get, kHz. */
export interface Limits {
  readonly floor?: Khz | undefined;
  readonly ceiling?: Khz | undefined;
}

/** One wish, and who has it. */
export interface Wish {
  readonly level: Level;
  /** An operator's own word: while one stands on a clock, guests' wishes wait. */
  readonly operator: boolean;
  /** True while it does not count: the operator's policy speaks for the same vCPU in its place, or its VM stands still. */
  readonly superseded: boolean;
  /** Returns its VM's limits on a domain. */
  limitsIn(domain: DomainId): Limits;
}

/** What a domain gets. */
export interface Decision<W> {
  readonly target: Khz;
  readonly winner: W;
  /** The winner's wish within its VM's limits, before the site's. */
  readonly highest: Khz;
  /** How many wishes are as high: while one of them stays and none goes above, the target stays. */
  readonly holders: number;
  /** What it would get without a budget. */
  readonly wished: Khz;
  /** Which limit changed the winner's wish last, if one did. */
  readonly clippedBy: "vm" | "site" | "budget" | undefined;
}

/** Returns `wanted` within `limits`; a ceiling beats a floor. */
export function clip(wanted: Khz, limits: Limits): Khz {
  const raised = limits.floor === undefined ? wanted : Math.max(wanted, limits.floor);
  return khz(limits.ceiling === undefined ? raised : Math.min(raised, limits.ceiling));
}

/**
 * Returns the decision over all wishes on a domain's clock: an operator's before guests', each clipped by its VM's limits, the
 * highest wins, the site's limits clip that, and the budget's ceiling the rest; the earlier of two equal ones is named. Undefined when
 * nobody wishes.
 */
export function arbitrate<W extends Wish>(
  wishes: readonly W[],
  domain: DomainId,
  site: Limits,
  budget?: Khz,
): Decision<W> | undefined {
  let winner: W | undefined;
  let best = -1 as Khz;
  let holders = 0;
  for (const wish of wishes) {
    if (wish.superseded || (winner?.operator === true && !wish.operator)) continue;
    const clipped = clip(wish.level.khz, wish.limitsIn(domain));
    if (clipped > best || (wish.operator && winner?.operator === false)) {
      best = clipped;
      winner = wish;
      holders = 1;
    } else if (clipped === best) {
      holders++;
    }
  }
  if (winner === undefined) return undefined;
  const wished = clip(best, site);
  const target = clip(wished, { ceiling: budget });
  return {
    target,
    wished,
    winner,
    highest: best,
    holders,
    clippedBy:
      target !== wished ? "budget" : target !== best ? "site" : best !== winner.level.khz ? "vm" : undefined,
  };
}
