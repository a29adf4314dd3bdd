// Who leads a group: the one whose key stands in etcd, until its lease ends or its ledger stands still. Two that believe it do no harm: only one's ledger is taken.

import { DONE, ok, type Result } from "../values/result.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import type { Pair } from "./etcd/wire.ts";
import { Lead } from "./lead.ts";
import {
  type Keys,
  MAX_HOSTS,
  readAllBelow,
  readBudget,
  readLedger,
  readMember,
  readReport,
  writeLedger,
} from "./stored.ts";

/** A leader that says nothing for so long is none, s. */
const LEADER_S = 3;
/** One whose ledger stands still for so long is replaced before that: the others' grants would end meanwhile, ms. */
const STILL_MS = 2500;

/** A term of office. */
interface Term {
  /** The revision at which its key was written. */
  readonly since: number;
  readonly lease: string;
  readonly lead: Lead;
}

export class Election {
  readonly #etcd: Etcd;
  readonly #keys: Keys;
  readonly #value: string;
  #term: Term | undefined;
  /** The ledger as it was seen last, and since when, ms. */
  #ledger = { revision: 0, atMs: 0 };

  /** @param run a word that no other start of this daemon has */
  constructor(etcd: Etcd, keys: Keys, name: string, run: string) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#value = JSON.stringify({ name, run });
  }

  get leads(): boolean {
    return this.#term !== undefined;
  }

  /**
   * Leads for a turn, or stands for election where nobody leads.
   * @param leader the leader's key as it stands
   * @param ledger the revision of a ledger that can be understood, undefined where there is none
   */
  async turn(leader: Pair | undefined, ledger: number | undefined): Promise<Result<void, EtcdError>> {
    const nowMs = performance.now();
    if (ledger !== this.#ledger.revision) this.#ledger = { revision: ledger ?? 0, atMs: nowMs };
    if (leader === undefined) return await this.#stand(0);
    if (leader.value !== this.#value || leader.changed !== this.#term?.since) {
      this.#term = undefined;
      const isStill = ledger !== undefined && nowMs - this.#ledger.atMs > STILL_MS;
      return isStill ? await this.#stand(leader.changed) : DONE;
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

  /** @param before the revision of the key of whom it follows, 0 for nobody */
  async #stand(before: number): Promise<Result<void, EtcdError>> {
    this.#term = undefined;
    const lease = await this.#etcd.lease(LEADER_S);
    if (!lease.ok) return lease;
    const { leader } = this.#keys;
    const won = await this.#etcd.txn(
      [{ key: leader, changed: before }],
      [{ put: leader, value: this.#value, lease: lease.value }],
    );
    if (!won.ok || !won.value.succeeded) {
      await this.#etcd.end(lease.value);
      return won.ok ? DONE : won;
    }
    this.#term = { since: won.value.revision, lease: lease.value, lead: new Lead() };
    return await this.#lead(this.#term);
  }

  async #lead({ lead, since }: Term): Promise<Result<void, EtcdError>> {
    const keys = this.#keys;
    const read = await this.#etcd.txn(
      [],
      [
        ...[{ read: keys.ledger }, { read: keys.budget }],
        ...[keys.members, keys.reports].map((readAll) => ({ readAll, limit: MAX_HOSTS })),
      ],
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
        { key: keys.leader, changed: since },
        { all: keys.members, unchangedSince: revision },
      ],
      [{ put: keys.ledger, value: writeLedger(next) }],
    );
    return written.ok ? ok(undefined) : written;
  }
}
