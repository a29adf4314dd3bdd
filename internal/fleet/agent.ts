// A host in its group: it reports, holds its grant as long as that holds, and leads while it is elected.

import { bootMs } from "../os/boot-time.ts";
import type { Log } from "../log.ts";
import { DONE, err, type Result } from "../values/result.ts";
import { BEAT_MS, Cadence } from "./cadence.ts";
import { Election } from "./election.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import type { Pair } from "./etcd/wire.ts";
import { Holder } from "./holder.ts";
import type { Report } from "./lead.ts";
import { type Keys, type Places, readLedger } from "./stored.ts";
import type { VmMirror } from "./vm-mirror.ts";

/** A grant that has ended is seen within this, ms. */
const LOOK_MS = 200;
/** A host's report and the places of its VMs stand this long without it, s; its lease is kept three times as often. */
const LEASE_S = 30;
const KEEP_MS = 10_000;
/** Drawing this much above what was granted is as good as holding it: the meter's noise and the loop's own guard. */
const HELD_PART = 1.03;
const HELD_W = 1;

/** What the group needs of its host. */
export interface FleetHost {
  /** What it draws (undefined while it has no meter), needs at its floors, and would draw above them, W. */
  needs(): Omit<Report, "run" | "beat" | "ack">;
  /** Its VMs. */
  places(): Places["vms"];
  /** Sets what it may draw, W, a whole number. Called when that changes. @param granted false for the fallback */
  limit(watts: number, granted: boolean): void;
  /** Keeps the fallback that is counted over a restart, W. Returns why it can't. */
  keepCounted(watts: number): string | void;
}

export interface AgentOptions {
  readonly etcd: Etcd;
  readonly keys: Keys;
  readonly name: string;
  /** W. */
  readonly fallback: number;
  /** What was counted when last heard of, W. */
  readonly counted: number | undefined;
  readonly host: FleetHost;
  readonly mirror: VmMirror;
  readonly log: Log;
  /** Ms on a clock that also counts the machine's sleep; bootMs unless told otherwise. */
  readonly nowMs?: () => number;
}

/** How a host stands with its group. */
export interface AgentState {
  readonly leads: boolean;
  /** Granted now, W; undefined while the fallback holds. */
  readonly grant: number | undefined;
  readonly fallback: number;
  /** Why etcd could not be asked last time; undefined when it could. */
  readonly problem: string | undefined;
}

export class FleetAgent {
  readonly #options: AgentOptions;
  readonly #nowMs: () => number;
  readonly #holder: Holder;
  readonly #election: Election;
  #lease: string | undefined;
  /** When its lease was kept last, and how many hosts the ledger has: 0 where it grants this one nothing, undefined where there is none. */
  #keptAt = 0;
  #hosts: number | undefined;
  readonly #cadence = new Cadence();
  #joined = false;
  #problem: string | undefined;
  #told = "";
  /** The counted fallback that is kept, W. */
  #kept: number | undefined;
  /** The places as they stand in etcd, with the lease they have. */
  #places = "";
  /** Whether the group is led, or VMs' settings are read, beside the reports. */
  #isAside = false;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setInterval> | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? bootMs;
    this.#kept = options.counted;
    const run = crypto.randomUUID().slice(0, 8);
    this.#holder = new Holder(options.name, run, options.fallback, options.counted);
    this.#election = new Election(options.etcd, options.keys, options.name, run);
  }

  get state(): AgentState {
    return {
      leads: this.#election.leads,
      grant: this.#holder.grant(this.#nowMs()),
      fallback: this.#holder.fallback,
      problem: this.#problem,
    };
  }

  /** Holds the fallback from now on, until there is a grant. */
  start(): void {
    this.#keepCounted();
    this.#apply();
    this.#look = setInterval(() => this.#apply(), LOOK_MS);
    void this.#beat();
  }

  /** Leaves the group's watts to the others at once, where etcd can be told. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#look);
    await Promise.all([
      this.#election.resign(),
      this.#lease === undefined ? undefined : this.#options.etcd.end(this.#lease),
    ]);
  }

  async #beat(): Promise<void> {
    const began = performance.now();
    const needs = this.#options.host.needs();
    if (this.#election.leads || this.#problem !== undefined) this.#cadence.moved(began);
    if (this.#cadence.isDue(needs, this.#hosts, began)) {
      const done = await this.#turn(needs);
      if (this.#stopped) return;
      this.#tell(done);
    }
    // An etcd that is slow is asked less: it has as long to itself as the last answer took.
    const took = performance.now() - began;
    const next = Math.max(BEAT_MS - took, took);
    this.#timer = setTimeout(() => void this.#beat(), next);
  }

  async #turn({ drawn, ...needs }: ReturnType<FleetHost["needs"]>): Promise<Result<void, EtcdError>> {
    const { etcd, keys, name } = this.#options;
    const unkept = this.#keepCounted();
    if (unkept !== undefined) return unkept;
    if (!this.#joined) {
      const joined = await this.#join();
      if (!joined.ok) return joined;
    }
    if (this.#lease === undefined || performance.now() - this.#keptAt >= KEEP_MS) {
      const kept = await this.#keepLease();
      if (!kept.ok) return kept;
      this.#keptAt = performance.now();
    }
    const limit = this.#holder.limit(this.#nowMs());
    if (drawn === undefined || drawn <= limit * HELD_PART + HELD_W) this.#holder.acted();
    const beat = this.#holder.ask(this.#nowMs());
    const report: Report = { ...beat, ...needs, drawn };
    const lease = this.#lease as string;
    const asked = await etcd.txn(
      [],
      [
        { put: `${keys.reports}${name}`, value: JSON.stringify(report), lease },
        ...this.#changedPlaces(lease),
        { read: keys.ledger },
        { read: keys.leader },
        { read: keys.vmsChanged },
      ],
    );
    if (!asked.ok) {
      this.#places = "";
      if (asked.error.kind === "gone") this.#lease = undefined;
      return asked;
    }
    const [ledger, leader, changed] = asked.value.found.map(({ kvs }) => kvs[0]);
    const read = readLedger(ledger?.value);
    this.#holder.hear(beat.beat, read, this.#nowMs());
    const isGranted = this.#holder.grant(this.#nowMs()) !== undefined;
    this.#hosts = read && (isGranted ? Object.keys(read.hosts).length : 0);
    this.#keepCounted();
    this.#apply();
    // The next report waits for neither: a leader's own grant must not end because it leads.
    const ledgerAt = read === undefined ? undefined : ledger?.changed;
    if (!this.#isAside) void this.#lookAside(leader, ledgerAt, changed?.changed ?? 0);
    return DONE;
  }

  async #lookAside(leader: Pair | undefined, ledger: number | undefined, vmsChanged: number): Promise<void> {
    const { log, mirror } = this.#options;
    this.#isAside = true;
    const led = await this.#election.turn(leader, ledger);
    if (!led.ok) log.warnFolded("fleet leader", `The group can't be led: ${led.error.message}`);
    const mirrored = await mirror.follow(vmsChanged);
    if (!mirrored.ok) log.warnFolded("fleet vms", `Settings of VMs can't be read: ${mirrored.error.message}`);
    this.#isAside = false;
  }

  /** Says which fallback it goes by. What it may draw without the group is counted before anything is asked of it. */
  async #join(): Promise<Result<void, EtcdError>> {
    const { etcd, keys, name, fallback } = this.#options;
    const member = { put: `${keys.members}${name}`, value: JSON.stringify({ fallback }) };
    const done = await etcd.txn([], [member]);
    if (!done.ok) return done;
    this.#joined = true;
    return DONE;
  }

  async #keepLease(): Promise<Result<void, EtcdError>> {
    const { etcd } = this.#options;
    if (this.#lease !== undefined) {
      const kept = await etcd.keep(this.#lease);
      if (kept.ok || kept.error.kind !== "gone") return kept;
    }
    const lease = await etcd.lease(LEASE_S);
    if (!lease.ok) return lease;
    this.#lease = lease.value;
    this.#places = "";
    return DONE;
  }

  #changedPlaces(lease: string) {
    const { keys, name, host } = this.#options;
    const value = JSON.stringify({ vms: host.places() });
    if (value === this.#places) return [];
    this.#places = value;
    return [{ put: `${keys.places}${name}`, value, lease }];
  }

  #apply(): void {
    const grant = this.#holder.grant(this.#nowMs());
    const watts = grant ?? this.#holder.fallback;
    const told = `${watts} ${grant !== undefined}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#cadence.moved(performance.now());
    this.#options.host.limit(watts, grant !== undefined);
  }

  /** Errors: a lower fallback that can't be kept; told before, the higher one would be drawn after a restart, and not be counted. */
  #keepCounted(): Result<never, EtcdError> | undefined {
    const { counted } = this.#holder;
    if (counted === undefined || counted === this.#kept) return undefined;
    const why = this.#options.host.keepCounted(counted);
    if (typeof why !== "string") this.#kept = counted;
    else if (this.#kept !== undefined && counted < this.#kept)
      return err({ kind: "no-answer", message: why });
    return undefined;
  }

  #tell(done: Result<void, EtcdError>): void {
    const { log } = this.#options;
    const problem = done.ok ? undefined : done.error.message;
    if (problem !== undefined) log.warnFolded("fleet", `The fleet can't be asked: ${problem}`);
    else if (this.#problem !== undefined) log.info("The fleet can be asked again");
    this.#problem = problem;
  }
}
