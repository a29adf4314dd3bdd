// What is said on one connection to a host: HELLO, claims, heartbeats.

import type { AnswerOf, Clocks } from "../../values/extension.ts";
import type { Step } from "../../values/frequency.ts";
import type { Log } from "../../log.ts";
import { DONE, err, ok, type Result } from "../../values/result.ts";
import { khz } from "../../values/units.ts";
import { explainFailure, type GuestFailure } from "../failure.ts";
import type { Session, Speaker } from "../session.ts";
import type { Book } from "./book.ts";
import { type HostTable, inSteps, orders, same, type Wish } from "./wish.ts";

/** What a connection needs of its agent. */
export interface TalkRules extends Speaker {
  /** What HELLO asks for, in seconds; 0 for claims without an end. */
  readonly leaseS: number;
  readonly book: Book;
  readonly log: Log;
}

/** Without claims there is nothing to renew: the host is asked only at so many beats whether it is the same one. */
const UNCLAIMED_BEATS = 8;
/** No clock has more frequencies: a host that tells of more would be asked for them page by page. */
const MAX_FREQUENCIES = 1024;
/** A host that was silent may have been slow: it is greeted again after so many seconds, and from then on after the last. */
const GREET_AGAIN_S = [1, 5, 30, 120] as const;

export class Talk {
  readonly session: Session;
  /** The host speaks the extension, or v1 as far as we know. */
  speech: "extension" | "v1" = "v1";
  /** The lease that the host granted, in seconds. */
  leaseS = 0;
  /** vCPUs of this VM that the host knows; 0 where it doesn't say. */
  vcpus = 0;
  readonly #port: string;
  readonly #vcpu: number | undefined;
  readonly #rules: TalkRules;
  readonly #tables: Map<number, HostTable>;
  /** What the host holds, as far as we know. */
  readonly #held = new Map<number, Wish>();
  /** vCPUs of which the host did not say whether it did what was asked. */
  readonly #unsure = new Set<number>();
  #lapses = 0;
  #beats = 0;
  /** HELLOs in a row that came to nothing, and when the next is due, on performance.now(). */
  #silences = 0;
  #greetAtMs = Infinity;

  /**
   * @param vcpu whose port this is; undefined when it serves all
   * @param tables the frequencies of vCPUs' clocks, learned here and kept by the caller
   */
  constructor(
    session: Session,
    port: string,
    vcpu: number | undefined,
    rules: TalkRules,
    tables: Map<number, HostTable>,
  ) {
    this.session = session;
    this.#port = port;
    this.#vcpu = vcpu;
    this.#rules = rules;
    this.#tables = tables;
  }

  /** How long the line may rest, in ms, before beat() is due by itself. */
  get restMs(): number {
    if (this.speech === "extension") return Infinity;
    if (this.session.late !== undefined) return 0;
    return Math.max(0, this.#greetAtMs - performance.now());
  }

  /**
   * Says HELLO and makes all claims of the book, in v1 where no answer comes. Errors: the host is gone.
   * @param timeoutMs how long to wait for the answer; one that comes later counts too
   */
  async begin(timeoutMs?: number): Promise<Result<void, GuestFailure>> {
    const said = await this.#hello(timeoutMs);
    if (said.ok) return await this.#agree(said.value);
    if (isGone(said.error)) return said;
    this.#unanswered(said.error);
    this.speech = "v1";
    this.leaseS = 0;
    this.vcpus = 0;
    return await this.#claimAll();
  }

  async #agree({ leaseS, vcpus }: AnswerOf<"hello">): Promise<Result<void, GuestFailure>> {
    if (this.#silences > 0) {
      this.#rules.log.info("The host answers HELLO now", { port: this.#port, lease: leaseS });
    }
    this.speech = "extension";
    this.leaseS = leaseS;
    this.vcpus = vcpus;
    this.#lapses = 0;
    this.#silences = 0;
    return await this.#claimAll();
  }

  /** Says once that there is less than there might be, and greets again later. */
  #unanswered(no: GuestFailure): void {
    const againS = GREET_AGAIN_S[Math.min(this.#silences, GREET_AGAIN_S.length - 1)] ?? 0;
    this.#greetAtMs = performance.now() + againS * 1000;
    if (this.#silences++ > 0) return;
    const text =
      no.kind === "no-answer"
        ? `The host did not answer HELLO within ${no.timeoutMs} ms; until it does it gets DPDK's packets, without a lease, frequencies in kHz and reasons`
        : explainFailure(no);
    this.#rules.log.warn(text, { port: this.#port, againS });
  }

  /**
   * Sends what the book now says of `vcpu`; nothing when the host holds it already and no step is given. A host that says it was never
   * greeted is a new one: it is, and asked again. Returns what the host says of wish and clock, undefined where it said nothing.
   * @param step what was asked for, where it was a step
   * @param anew a frequency that the host holds already is sent again, so that it tells the clock
   */
  async apply(vcpu: number, step?: Step, anew = false): Promise<Result<Clocks | undefined, GuestFailure>> {
    const done = await this.#send(vcpu, step, anew);
    if (done.ok || done.error.kind !== "not-understood" || this.speech === "v1") return done;
    const begun = await this.begin();
    return begun.ok ? await this.#send(vcpu, step, anew) : begun;
  }

  async #send(vcpu: number, step?: Step, anew = false): Promise<Result<Clocks | undefined, GuestFailure>> {
    const table = this.#tables.get(vcpu);
    const wanted = this.#rules.book.highest(vcpu, table)?.wish;
    // A step from who knows where leads to who knows where: what is wanted is said whole.
    const unsure = this.#unsure.has(vcpu);
    const held = unsure ? undefined : this.#held.get(vcpu);
    if (wanted === undefined) return await this.#release(vcpu);
    // Steps are not sent twice: they would move the clock away and back.
    const tells = anew && table !== undefined && this.speech === "extension";
    if (same(wanted, held) && step === undefined && !tells) return ok(undefined);
    const from = unsure ? undefined : step;
    const list =
      this.speech === "v1" && table !== undefined
        ? orders(undefined, held && inSteps(table, held), inSteps(table, wanted), from)
        : orders(table, held, wanted, from);
    let clocks: Clocks | undefined;
    for (const order of list) {
      const done: Result<Clocks | undefined, GuestFailure> =
        this.speech === "v1" && order.do === "scale"
          ? await this.#scale(vcpu, order.step)
          : await this.session.say(order, vcpu);
      if (done.ok) {
        clocks = done.value;
        continue;
      }
      if (list.length > 1) this.#held.delete(vcpu);
      if (done.error.kind === "no-answer") this.#unsure.add(vcpu);
      return done;
    }
    this.#held.set(vcpu, wanted);
    this.#unsure.delete(vcpu);
    return ok(clocks);
  }

  /** Returns a vCPU's table, which is asked for once. Errors: the host speaks v1, or its reason to tell none; a table that does not descend is none. */
  async learn(vcpu: number): Promise<Result<HostTable, GuestFailure>> {
    const known = this.#tables.get(vcpu);
    if (known !== undefined) return ok(known);
    const none = (text: string) => err({ kind: "not-understood", port: this.#port, text } as const);
    if (this.speech !== "extension")
      return none("it speaks DPDK's packets alone, which tell no frequencies.");
    const steps: number[] = [];
    let nominal = 0;
    let turboAtStart = false;
    for (let total = 1; steps.length < total;) {
      const page = await this.session.say({ do: "freqs", first: steps.length }, vcpu);
      if (!page.ok) return page;
      if (page.value.khz.length === 0) return none("its list of frequencies ends before its end.");
      ({ total, nominal, turboAtStart } = page.value);
      steps.push(...page.value.khz);
      const descends = steps.every((step, i) => step > 0 && step < (steps[i - 1] ?? Infinity));
      if (descends && total <= MAX_FREQUENCIES && nominal < total) continue;
      this.#rules.log.warn("The host's table of frequencies makes no sense; its clock is moved by steps", {
        port: this.#port,
        vcpu,
      });
      return none("its list of frequencies makes no sense.");
    }
    const table = { steps: steps.map(khz), nominal, turboAtStart };
    this.#tables.set(vcpu, table);
    return ok(table);
  }

  /**
   * Renews the lease; claims that lapsed meanwhile, as while the VM was paused, are made again. A host that did not answer HELLO is
   * greeted again when restMs is over, without a wait. Errors: the host is gone.
   * @param again makes all claims again in any case, as after the host's sleep
   */
  async beat(again = false): Promise<Result<void, GuestFailure>> {
    if (this.speech === "v1") {
      const { late } = this.session;
      if (late !== undefined) {
        // What was claimed by DPDK's packets meanwhile comes under the lease by a HELLO that follows it, and this one says nothing new.
        const claimed = this.#held.size > 0 || this.#unsure.size > 0;
        const said = claimed ? await this.#hello(0) : DONE;
        return !said.ok && isGone(said.error) ? said : await this.#agree(late);
      }
      return this.restMs > 0 ? DONE : await this.begin(0);
    }
    if (!again && this.#held.size === 0 && ++this.#beats < UNCLAIMED_BEATS) return DONE;
    this.#beats = 0;
    const pong = await this.session.say({ do: "ping" }, this.#vcpu ?? 0);
    if (!pong.ok) {
      // A host that has seen no HELLO is a new one.
      if (pong.error.kind === "not-understood") return await this.begin();
      return isGone(pong.error) ? pong : DONE;
    }
    const lapsed = pong.value.lapses !== this.#lapses;
    if (!lapsed && !again) return DONE;
    if (lapsed) this.#rules.log.info("Claims had lapsed; making them again", { port: this.#port });
    this.#lapses = pong.value.lapses;
    return await this.#claimAll();
  }

  #hello(timeoutMs?: number) {
    const { leaseS } = this.#rules;
    return this.session.hello(this.#vcpu ?? 0, { leaseS, notices: true }, timeoutMs);
  }

  /** Gives every claim up. */
  async releaseAll(): Promise<void> {
    if (this.speech === "v1") for (const vcpu of this.#held.keys()) await this.#release(vcpu);
    else {
      const vcpu = this.#vcpu ?? 0;
      await this.session.say({ do: "release", all: true }, vcpu);
      // What the host says unasked from now on would be read by who opens the port next.
      await this.session.hello(vcpu);
    }
  }

  /** Makes all claims of the book, on a host that holds none. Errors: the host is gone. */
  async #claimAll(): Promise<Result<void, GuestFailure>> {
    // A v1 host that was asked again still holds what it did, and may have done what it did not answer.
    const unsure = this.speech === "extension" ? [...this.#unsure] : [];
    if (this.speech === "extension") this.#held.clear();
    const usual = this.session.patienceMs;
    try {
      for (const vcpu of this.#vcpu === undefined
        ? new Set([...this.#rules.book.vcpus, ...unsure])
        : [this.#vcpu]) {
        const done = await this.#claim(vcpu, unsure.includes(vcpu));
        if (done.ok) continue;
        if (isGone(done.error)) return done;
        // Nobody is waited for who was silent just now.
        if (done.error.kind === "no-answer") this.session.patienceMs = 0;
      }
      return DONE;
    } finally {
      this.session.patienceMs = usual;
    }
  }

  /** Claims what the book says of `vcpu`. @param unsure sends it even when that is nothing */
  async #claim(vcpu: number, unsure: boolean): Promise<Result<unknown, GuestFailure>> {
    const { book, log } = this.#rules;
    const known = await this.learn(vcpu);
    if (!known.ok && isGone(known.error)) return known;
    if (book.highest(vcpu, this.#tables.get(vcpu)) === undefined && !unsure) return DONE;
    const done = await this.#send(vcpu);
    if (!done.ok && !isGone(done.error) && this.session.patienceMs > 0) {
      log.warn(explainFailure(done.error), { port: this.#port, vcpu });
    }
    return done;
  }

  /** Nobody wants anything of `vcpu` any more. A v1 host has no word for that: its own start, the highest frequency, is the next best. */
  async #release(vcpu: number): Promise<Result<Clocks | undefined, GuestFailure>> {
    if (!this.#held.has(vcpu) && !this.#unsure.has(vcpu)) return ok(undefined);
    const done: Result<Clocks | undefined, GuestFailure> =
      this.speech === "v1"
        ? await this.#scale(vcpu, "max")
        : await this.session.say({ do: "release", all: false }, vcpu);
    if (!done.ok) return done;
    this.#held.delete(vcpu);
    this.#unsure.delete(vcpu);
    return done;
  }

  /** v1's answer says nothing of the clock. */
  async #scale(vcpu: number, step: Step): Promise<Result<undefined, GuestFailure>> {
    const { vmName } = this.#rules;
    const done = await this.session.ask({ kind: "scale", vcpu, vmName, physical: false, step });
    return done.ok ? ok(undefined) : done;
  }
}

/** Returns whether a failure means that the connection is of no more use, rather than that one request was not granted. */
export function isGone(no: GuestFailure): boolean {
  return no.kind === "absent-host" || no.kind === "read-failed" || no.kind === "write-failed";
}
