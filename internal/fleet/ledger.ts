// What a group's leader has promised its hosts: the one record on which the safety of the budget stands.

/** How long a grant holds after the host sent the report that it answers, by the host's own clock, ms. */
export const GRANT_MS = 7000;
/** A clock runs at most this much too fast or too slow. */
const DRIFT = 0.1;
/**
 * After this long without news of a host, by the leader's clock, every grant that it was given has ended: the host's clock may be slow and
 * the leader's fast, ms.
 */
export const SILENT_MS = Math.ceil((GRANT_MS * (1 + DRIFT)) / (1 - DRIFT)) + 100;

/** What one host was promised. */
export interface Entry {
  /** What it draws at most while no grant of it holds, W. Always counted. */
  readonly fallback: number;
  /** Its grant, W; never less than the fallback. */
  readonly watts: number;
  /** The most that grants before this one may still let it draw, W; more than `watts` until the host has said that it knows. */
  readonly held: number;
  /** The ledger in which `watts` was set: a host that has read it, or a later one, holds no more than that. */
  readonly since: number;
  /** The report that the grant answers: whose it is (each start of a daemon has a word of its own, "" for none), and its number. */
  readonly run: string;
  readonly beat: number;
  /** When the leader gave up waiting for the next one, seconds since 1970; from then on no grant of it holds. */
  readonly silent?: number | undefined;
}

export interface Ledger {
  /** Grows with each ledger that is written. */
  readonly seq: number;
  /** The budget in force, W: what all hosts may draw together is never more. */
  readonly budget: number;
  readonly hosts: Readonly<Record<string, Entry>>;
}

/** Returns what a host may draw at the very most, whatever it has heard of, W. */
function committed({ fallback, watts, held }: Entry): number {
  return Math.max(fallback, watts, held);
}

/** Returns what all hosts of a ledger may draw at the very most, W. */
export function committedOf(hosts: Readonly<Record<string, Entry>>): number {
  return Object.values(hosts).reduce((all, one) => all + committed(one), 0);
}
