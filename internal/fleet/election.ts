// Who leads a group: the one whose key stands in etcd under a lease. Two that believe it do no harm: only one's ledger is taken.

import { DONE, ok, type Result } from "../values/result.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import type { Pair } from "./etcd/wire.ts";
import { Lead } from "./lead.ts";
import { type Keys, readAllBelow, readBudget, readLedger, readMember, readReport } from "./stored.ts";

/** A leader that says nothing for so long is none, s. */
const LEADER_S = 3;

/** A term of office. */
interface Term {
  /** The revision at which its key was made, 0 until that is known. */
  readonly made: number;
  readonly lease: string;
  readonly lead: Lead;
}

export class Election {
  readonly #etcd: Etcd;
  readonly #keys: Keys;
  readonly #value: string;
  #term: Term | undefined;

  /** @param run a word that no other start of this daemon has */
  constructor(etcd: Etcd, keys: Keys, name: string, run: string) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#value = JSON.stringify({ name, run });
  }

  get leads(): boolean {
    return this.#term !== undefined;
  }

  /** Leads for a turn, or stands for election where nobody leads. @param leader the leader's key as it stands */
  async turn(leader: Pair | undefined): Promise<Result<void, EtcdError>> {
    if (leader === undefined) return await this.#stand();
    if (leader.value !== this.#value || leader.made !== this.#term?.made) {
      this.#term = undefined;
      return DONE;
    }
    const kept = await this.#etcd.keep(this.#term.lease);
    if (!kept.ok) {
      if (kept.error.kind === "gone") this.#term = undefined;
      return kept;
    }
    return await this.#lead(this.#term);
  }

  /** Leaves the office to somebody else. */
  async resign(): Promise<void> {
    if (this.#term !== undefined) await this.#etcd.end(this.#term.lease);
    this.#term = undefined;
  }

  async #stand(): Promise<Result<void, EtcdError>> {
    this.#term = undefined;
    const lease = await this.#etcd.lease(LEADER_S);
    if (!lease.ok) return lease;
    const { leader } = this.#keys;
    const won = await this.#etcd.txn(
      [{ key: leader, made: 0 }],
      [{ put: leader, value: this.#value, lease: lease.value }],
    );
    if (!won.ok || !won.value.succeeded) {
      await this.#etcd.end(lease.value);
      return won.ok ? DONE : won;
    }
    this.#term = { made: won.value.revision, lease: lease.value, lead: new Lead() };
    return await this.#lead(this.#term);
  }

  async #lead({ lead, made }: Term): Promise<Result<void, EtcdError>> {
    const keys = this.#keys;
    const read = await this.#etcd.txn(
      [],
      [{ read: keys.ledger }, { read: keys.budget }, { readAll: keys.members }, { readAll: keys.reports }],
    );
    if (!read.ok) return read;
    const { revision, found } = read.value;
    const [ledger, budget, members, reports] = found.map(({ kvs }) => kvs);
    const fallbacks = readAllBelow(members ?? [], keys.members, readMember);
    const next = lead.next(
      {
        revision,
        ledger: readLedger(ledger?.[0]?.value),
        wanted: readBudget(budget?.[0]?.value)?.watts,
        members: new Map([...fallbacks].map(([name, { fallback }]) => [name, fallback])),
        reports: readAllBelow(reports ?? [], keys.reports, readReport),
      },
      performance.now(),
      Math.floor(Date.now() / 1000),
    );
    if (next === undefined) return DONE;
    const written = await this.#etcd.txn(
      [
        { key: keys.ledger, changed: ledger?.[0]?.changed ?? 0 },
        { key: keys.leader, made },
        { all: keys.members, unchangedSince: revision },
      ],
      [{ put: keys.ledger, value: JSON.stringify(next) }],
    );
    return written.ok ? ok(undefined) : written;
  }
}
