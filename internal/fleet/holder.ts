// A host's side of its grant: it counts from when the host asked, by its own clock, and ends by itself.

import { GRANT_MS, type Ledger } from "./ledger.ts";

/** What each report says beside the host's watts. */
export interface Beat {
  readonly run: string;
  readonly beat: number;
  /** The last ledger by which this run of the daemon holds its watts, 0 for none. */
  readonly ack: number;
}

/** Reports that a grant may answer; with one a second more of them than a grant lasts. */
const KEPT = 16;

export class Holder {
  readonly #name: string;
  readonly #run: string;
  readonly #fallback: number;
  /** The fallback that the ledger counts for this host; undefined while that is not known. */
  #counted: number | undefined;
  #beat = 0;
  #open = false;
  #seq = 0;
  #acted = 0;
  readonly #sentAt = new Map<number, number>();
  #grant: { readonly watts: number; readonly until: number } | undefined;

  /**
   * @param run a word that no other start of this daemon has
   * @param fallback the configured one, W
   * @param counted what the ledger counted when last heard of, W; undefined when that is not known
   */
  constructor(name: string, run: string, fallback: number, counted?: number) {
    this.#name = name;
    this.#run = run;
    this.#fallback = fallback;
    this.#counted = counted;
    this.#bound();
  }

  /** The fallback in force, W: one that was raised waits until the leader counts it. */
  get fallback(): number {
    return this.#counted ?? this.#fallback;
  }

  /** The fallback that the ledger counts at least, W: kept before it is told to anybody. Undefined while that is not known. */
  get counted(): number | undefined {
    return this.#counted;
  }

  /** Begins a report: what was asked before is not waited for any more. @param nowMs a clock that also counts the machine's sleep */
  ask(nowMs: number): Beat {
    this.#beat++;
    this.#open = true;
    this.#sentAt.set(this.#beat, nowMs);
    this.#sentAt.delete(this.#beat - KEPT);
    return { run: this.#run, beat: this.#beat, ack: this.#acted };
  }

  /**
   * Takes what came back for the report `beat`: the ledger as it stood when the report was written, undefined where there was none. An answer
   * to any report but the last one is nothing.
   */
  hear(beat: number, ledger: Ledger | undefined, nowMs: number): void {
    if (beat !== this.#beat || !this.#open) return;
    this.#open = false;
    // An etcd that was put back from a backup knows less than this host: what it says counts when the grant from before has ended.
    if (ledger === undefined || (ledger.seq < this.#seq && this.grant(nowMs) !== undefined)) return;
    this.#seq = ledger.seq;
    const entry = Object.hasOwn(ledger.hosts, this.#name) ? ledger.hosts[this.#name] : undefined;
    this.#counted = entry?.fallback ?? this.#counted;
    this.#bound();
    const sentAt = entry?.run === this.#run ? this.#sentAt.get(entry.beat) : undefined;
    this.#grant =
      entry === undefined || sentAt === undefined
        ? undefined
        : { watts: entry.watts, until: sentAt + GRANT_MS };
  }

  /** Returns the grant that holds, W; undefined when there is none, or it has ended. */
  grant(nowMs: number): number | undefined {
    if (this.#grant !== undefined && nowMs >= this.#grant.until) this.#grant = undefined;
    return this.#grant?.watts;
  }

  /** Says that the host draws no more than limit() has it, so that others may be given the rest. */
  acted(): void {
    this.#acted = this.#seq;
  }

  /** What this host says may be counted from the moment it is said. */
  #bound(): void {
    if (this.#counted !== undefined) this.#counted = Math.min(this.#counted, this.#fallback);
  }

  /** Returns when the grant ends, by the same clock; undefined when there is none. */
  get until(): number | undefined {
    return this.#grant?.until;
  }

  /** Returns what the host may draw, W. */
  limit(nowMs: number): number {
    return this.grant(nowMs) ?? this.fallback;
  }
}
