// What happens: counted, kept for a while, and told to whoever listens.

import type { EventFields, EventKind } from "./api/event.ts";

/** Events that are kept for listeners that come back: a few hundred KB. */
export const KEPT = 4096;

/** One thing that happened; fields beside these depend on its kind. */
export interface Happening {
  /** ISO 8601. */
  readonly at: string;
  readonly event: EventKind;
  /** Which run of powermon it is of. */
  readonly boot: string;
  /** Its number: all that happens is counted from 1. */
  readonly n: number;
  readonly [field: string]: unknown;
}

/** An event as it is kept. */
interface Kept {
  readonly n: number;
  readonly atMs: number;
  readonly event: EventKind;
  readonly fields: object;
}

export class EventFeed {
  /** Tells this run of powermon from others: 8 hexadecimal digits. */
  readonly boot = crypto.randomUUID().slice(0, 8);
  /** Number n stands at n modulo KEPT. */
  readonly #kept: Kept[] = [];
  readonly #listeners = new Set<() => void>();
  #last = 0;

  /** The number of the last event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** The number of the oldest event that is kept; one past the last where none is. */
  get first(): number {
    return Math.max(1, this.#last - KEPT + 1);
  }

  /** Returns event `n`, which is kept from `first` to `last`. */
  at(n: number): Happening | undefined {
    const kept = this.kept(n);
    if (kept === undefined) return undefined;
    const { event, fields, atMs } = kept;
    return { ...fields, at: new Date(atMs).toISOString(), event, boot: this.boot, n };
  }

  /** Returns event `n` as it is kept: for those who look through many. */
  kept(n: number): Kept | undefined {
    const kept = this.#kept[n % KEPT];
    return kept?.n === n ? kept : undefined;
  }

  /** Calls `listener` after each event until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Counts and keeps what happened. @param fields are kept as they are: nobody changes them later */
  emit<K extends EventKind>(event: K, fields: EventFields[K]): void {
    const n = ++this.#last;
    this.#kept[n % KEPT] = { n, atMs: Date.now(), event, fields };
    for (const listener of this.#listeners) listener();
  }
}
