// One port kept for everybody, over restarts of the host, pauses of the VM and unplugging.

import type { Notice } from "../../values/extension.ts";
import { err, type Result } from "../../values/result.ts";
import { explainFailure, type GuestFailure } from "../failure.ts";
import { openFollowed } from "../open-port.ts";
import type { Port } from "../port.ts";
import type { Pulse } from "../pulse.ts";
import { Session } from "../session.ts";
import { Talk, type TalkRules } from "./talk.ts";
import type { HostTable } from "./wish.ts";

/** What all lines of an agent share; the pulse says when to try again. */
export interface LineRules extends TalkRules {
  readonly pulse: Pulse;
  /** Told what the host says unasked. */
  readonly noticed?: (line: Line, notice: Notice) => void;
}

/** Waits for a port that can't be opened, in pulses: the first, doubled up to the last. */
const RETRY_PULSES = { first: 1, last: 16 };

/** A host that is met is waited for so long, in ms: one of DPDK's never answers HELLO, and programs wait meanwhile. What comes later counts too. */
const MEET_MS = 250;

/** Heartbeats in a lease: one may be late, another lost. */
export const BEATS = 3;

interface Job {
  run(talk: Talk): Promise<void>;
  fail(no: GuestFailure): void;
}

export class Line {
  readonly port: string;
  /** The vCPU whose port this is; undefined when it serves all. */
  readonly vcpu: number | undefined;
  /** The frequencies of vCPUs' clocks, where the host tells them. */
  readonly tables = new Map<number, HostTable>();
  readonly #rules: LineRules;
  readonly #jobs: Job[] = [];
  #failure: GuestFailure | undefined;
  #open: Port | undefined;
  /** A host is there and has not yet answered HELLO: who asks now waits for that. */
  #meets = false;
  #talk: Talk | undefined;
  #due = false;
  /** The host was asleep: all claims are made again. */
  #again = false;
  #closed = false;
  #retry: () => void = () => {};
  #ended: Promise<void> = Promise.resolve();

  constructor(port: string, vcpu: number | undefined, rules: LineRules) {
    this.port = port;
    this.vcpu = vcpu;
    this.#rules = rules;
    this.#failure = { kind: "absent-host", port };
  }

  /** Why nothing can be asked now; undefined when it can. */
  get failure(): GuestFailure | undefined {
    return this.#failure;
  }

  /** How the host speaks, the lease it granted in seconds and the vCPUs it knows; undefined while there is none. */
  get host(): Pick<Talk, "speech" | "leaseS" | "vcpus"> | undefined {
    return this.#talk;
  }

  /** Opens the port and keeps it until close(). Resolves once the first try is over. */
  async start(): Promise<void> {
    const first = Promise.withResolvers<void>();
    this.#ended = this.#keep(first.resolve);
    await first.promise;
  }

  /** A heartbeat is due. */
  beat(): void {
    this.#due = true;
    this.#open?.interrupt();
  }

  /** Tries again at once to open the port, as when one was plugged. */
  retry(): void {
    this.#retry();
  }

  /**
   * Runs `ask` when its turn comes. Errors: its own, or the line's failure while nothing can be asked.
   * @param timeoutMs how long one answer may take, where the asker says it; never so long that the lease runs out
   */
  async ask<T>(
    ask: (talk: Talk) => Promise<Result<T, GuestFailure>>,
    timeoutMs?: number,
  ): Promise<Result<T, GuestFailure>> {
    if (this.#failure !== undefined && !this.#meets) return err(this.#failure);
    const { promise, resolve } = Promise.withResolvers<Result<T, GuestFailure>>();
    const run = async (talk: Talk) => {
      const { session } = talk;
      const usual = session.patienceMs;
      if (timeoutMs !== undefined) session.patienceMs = Math.min(timeoutMs, this.#mostMs(talk.leaseS));
      const done = await ask(talk);
      session.patienceMs = usual;
      resolve(done);
    };
    this.#jobs.push({ run, fail: (no) => resolve(err(no)) });
    this.#open?.interrupt();
    return await promise;
  }

  /** Gives every claim up and closes the port. */
  async close(): Promise<void> {
    const release = async (talk: Talk) => ({ ok: true, value: await talk.releaseAll() }) as const;
    if (!this.#closed) await this.ask(release);
    this.#closed = true;
    this.#open?.interrupt();
    this.#retry();
    await this.#ended;
  }

  async #keep(tried: () => void): Promise<void> {
    let pulses = RETRY_PULSES.first;
    while (!this.#closed) {
      const port = await openFollowed(this.port, this.#rules.pulse);
      if (port.ok) {
        this.#open = port.value;
        if (await this.#serve(port.value, tried)) pulses = RETRY_PULSES.first;
        this.#open = undefined;
        port.value.close();
      } else this.#lose(port.error);
      tried();
      if (this.#closed) return;
      await this.#pause(pulses);
      pulses = Math.min(pulses * 2, RETRY_PULSES.last);
    }
  }

  /** Uses an open port until it is of no more use; returns whether a host was met on it. */
  async #serve(port: Port, tried: () => void): Promise<boolean> {
    let met = false;
    while (!this.#closed) {
      const lost = await this.#converse(port, tried);
      met ||= this.#talk !== undefined;
      if (lost === undefined) return met;
      this.#lose(lost);
      tried();
      // A host that is there but can't be written to is met again on a new connection, after a pause as every other.
      if (!port.heals || lost.kind === "write-failed") return met;
      while (!this.#closed) {
        const bytes = port.read();
        if (bytes.ok) break;
        if (bytes.error.kind !== "absent-host") return met;
        await port.wait(Infinity);
      }
    }
    return met;
  }

  /** Greets the host and serves until it is gone; returns why, or undefined when the line was closed. */
  async #converse(port: Port, tried: () => void): Promise<GuestFailure | undefined> {
    const session = new Session(port, this.#rules);
    const greeted = session.greet();
    if (!greeted.ok) return greeted.error;
    const talk = new Talk(session, this.port, this.vcpu, this.#rules, this.tables);
    this.#meets = true;
    const begun = await talk.begin(Math.min(MEET_MS, this.#rules.timeoutMs));
    this.#meets = false;
    if (!begun.ok) return begun.error;
    this.#talk = talk;
    this.#failure = undefined;
    this.#rules.log.info("Host connected", { port: this.port, speech: talk.speech, lease: talk.leaseS });
    session.onNotice = (notice) => this.#noticed(notice);
    tried();
    for (;;) {
      const job = this.#jobs.shift();
      if (job !== undefined) await job.run(talk);
      else if (this.#closed) return undefined;
      else if (this.#due || this.#again || talk.restMs <= 0) {
        const again = this.#again;
        this.#due = this.#again = false;
        const beaten = await talk.beat(again);
        if (!beaten.ok) return beaten.error;
      } else {
        // Nothing is awaited between requests: what comes answers one that was given up.
        const drained = session.drain();
        if (!drained.ok) return drained.error;
        if (!this.#again) await port.wait(talk.restMs);
      }
    }
  }

  #noticed(notice: Notice): void {
    if (notice.do === "host-awake") this.#again = true;
    this.#rules.noticed?.(this, notice);
  }

  /** Returns the longest wait, in ms, that leaves room for a heartbeat. */
  #mostMs(leaseS: number): number {
    return leaseS === 0 ? Infinity : Math.max(Math.floor((leaseS * 1000) / BEATS), this.#rules.timeoutMs);
  }

  #lose(why: GuestFailure): void {
    if (this.#failure?.kind !== why.kind || this.#talk !== undefined) {
      this.#rules.log.info(explainFailure(why), { port: this.port });
    }
    this.#failure = why;
    this.#talk = undefined;
    for (const job of this.#jobs.splice(0)) job.fail(why);
  }

  /** Waits some beats of the pulse, or for retry(). */
  async #pause(pulses: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = pulses;
    const off = this.#rules.pulse.on(() => {
      if (--left <= 0) resolve();
    });
    this.#retry = resolve;
    await promise;
    off();
  }
}
