// The agent as a whole: all lines of a VM, and what its programs want of them.

import type { Clocks, Notice } from "../../values/extension.ts";
import type { Step } from "../../values/frequency.ts";
import { DONE, err, type Result } from "../../values/result.ts";
import type { GuestFailure } from "../failure.ts";
import { listPorts, portPath } from "../port.ts";
import { Pulse } from "../pulse.ts";
import { Book, type Holder } from "./book.ts";
import { BEATS, Line } from "./line.ts";
import { isGone, type Talk, type TalkRules } from "./talk.ts";
import { khzWish, moved, same, type Wish } from "./wish.ts";

/** How an agent is set up. */
export interface AgentOptions extends Omit<TalkRules, "book"> {
  /** One port for everything; undefined for one a vCPU in `portDir`. */
  readonly port: string | undefined;
  readonly portDir: string;
}

/** What a program that listens is told: when the host means to wake (ISO 8601, null when it doesn't know), how long it slept. */
export type HostEvent =
  | { readonly event: "host-sleeps"; readonly until: string | null }
  | { readonly event: "host-awake"; readonly sleptS: number };

/** Highest time that a Date holds, in s. */
const MAX_DATE_S = 8.64e12;
/** Absent ports and hosts are looked for this often, in ms. */
const PULSE_MS = 500;
/** The folder of ports is read again this often, in ms. */
const RESCAN_MS = 5000;

type Table = ReturnType<Line["tables"]["get"]>;

/** How a wish is put to the host. */
interface Asking {
  /** How long one answer may take, where the asker says it. */
  readonly timeoutMs?: number | undefined;
  /** Whether a frequency that the host holds already is sent again, so that it tells the clock. */
  readonly anew?: boolean;
}

export class Agent {
  readonly book = new Book();
  /** Programs that want to hear of the host. */
  readonly listeners = new Set<(event: HostEvent) => void>();
  readonly #options: AgentOptions;
  readonly #pulse = new Pulse(PULSE_MS);
  readonly #lines = new Map<string, Line>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  get lines(): Iterable<Line> {
    return this.#lines.values();
  }

  /** Opens the ports there are and keeps looking for more; resolves once each was tried. */
  async start(): Promise<void> {
    const { leaseS } = this.#options;
    await this.#scan();
    if (leaseS > 0) this.#timers.push(setInterval(() => this.#beat(), (leaseS * 1000) / BEATS));
    if (this.#options.port === undefined) {
      this.#timers.push(setInterval(() => void this.#scan(), RESCAN_MS));
    }
  }

  /** Gives all claims up and closes all ports. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([...this.#lines.values()].map((line) => line.close()));
  }

  /** Returns the path of the port that a vCPU's requests go through. */
  portOf(vcpu: number): string {
    return this.#options.port ?? portPath(vcpu, this.#options.portDir);
  }

  /** Returns the line of a vCPU; undefined when it has no port. */
  lineOf(vcpu: number): Line | undefined {
    return this.#lines.get(this.portOf(vcpu));
  }

  /**
   * Moves what `holder` wants of `vcpu` by one step. Returns what the host says of wish and clock, undefined where it said nothing.
   * Errors: why the host did not take it; then nothing changed.
   */
  async scale(
    holder: Holder,
    vcpu: number,
    step: Step,
    { timeoutMs, anew = true }: Asking = {},
  ): Promise<Result<Clocks | undefined, GuestFailure>> {
    const next = (table: Table) => moved(table, this.book.wish(holder, vcpu), step);
    return await this.#want(holder, vcpu, step, next, { timeoutMs, anew });
  }

  /** As scale(), but says nothing when the step leads nowhere. */
  async nudge(holder: Holder, vcpu: number, step: Step): Promise<Result<unknown, GuestFailure>> {
    const wish = this.book.wish(holder, vcpu);
    const table = this.lineOf(vcpu)?.tables.get(vcpu);
    if (wish !== undefined && same(wish, moved(table, wish, step))) return DONE;
    return await this.scale(holder, vcpu, step, { anew: false });
  }

  /** Sets what `holder` wants of `vcpu`, in kHz. Returns and errors: as scale(); the host's reason not to tell its frequencies. */
  async set(
    holder: Holder,
    vcpu: number,
    khz: number,
    turbo: boolean,
    timeoutMs?: number,
  ): Promise<Result<Clocks | undefined, GuestFailure>> {
    const next = (table: Table) => khzWish(table, khz, turbo);
    return await this.#want(holder, vcpu, undefined, next, { timeoutMs });
  }

  /** Gives up what `holder` wants of `vcpus`. Errors: the first one's; the wish is gone all the same. */
  async release(
    holder: Holder,
    vcpus: readonly number[],
    timeoutMs?: number,
  ): Promise<Result<unknown, GuestFailure>> {
    const named = new Set(vcpus);
    const mine = this.book.vcpusOf(holder).filter((vcpu) => named.has(vcpu));
    for (const vcpu of mine) this.book.set(holder, vcpu, undefined);
    const all = mine.map((vcpu) => this.ask(vcpu, (talk) => talk.apply(vcpu), timeoutMs));
    return (await Promise.all(all)).find((done) => !done.ok) ?? DONE;
  }

  /** Asks through the line of `vcpu`, as Line.ask(). Errors: no-such-vcpu or no-port when it has none, or what the line says. */
  async ask<T>(
    vcpu: number,
    ask: (talk: Talk) => Promise<Result<T, GuestFailure>>,
    timeoutMs?: number,
  ): Promise<Result<T, GuestFailure>> {
    const line = this.lineOf(vcpu);
    return line === undefined ? err(this.#noPort(vcpu)) : await line.ask(ask, timeoutMs);
  }

  /** Returns why a vCPU has no port: there is no such vCPU, as far as a host says how many there are. */
  #noPort(vcpu: number): GuestFailure {
    const port = this.portOf(vcpu);
    const known = Math.max(0, ...[...this.lines].map(({ host }) => host?.vcpus ?? 0));
    return known > 0 && vcpu >= known
      ? { kind: "no-such-vcpu", port, vcpu, known }
      : { kind: "no-port", port };
  }

  async #want(
    holder: Holder,
    vcpu: number,
    step: Step | undefined,
    next: (table: Table) => Wish | undefined,
    { timeoutMs, anew = true }: Asking,
  ): Promise<Result<Clocks | undefined, GuestFailure>> {
    return await this.ask(
      vcpu,
      async (talk) => {
        const known = await talk.learn(vcpu);
        const table = known.ok ? known.value : undefined;
        const before = this.book.wish(holder, vcpu);
        const wish = next(table);
        // Without a table there are steps, as long as the host is there.
        if (!known.ok && (wish === undefined || isGone(known.error))) return known;
        if (wish === undefined) throw new Error("with a table every wish has its kHz");
        this.book.set(holder, vcpu, wish);
        const mine = this.book.highest(vcpu, table)?.holder === holder;
        const done = await talk.apply(vcpu, mine ? step : undefined, anew);
        if (!done.ok) this.book.set(holder, vcpu, before);
        return done;
      },
      timeoutMs,
    );
  }

  /** The host tells every port; programs hear what the first that has a host is told. */
  #noticed(from: Line, notice: Notice): void {
    if ([...this.#lines.values()].find(({ failure }) => failure === undefined) !== from) return;
    const event = eventOf(notice);
    const { log } = this.#options;
    if (event.event === "host-awake") log.info("The host is awake", { sleptS: event.sleptS });
    else log.info("The host goes to sleep", { until: event.until ?? undefined });
    for (const hear of this.listeners) hear(event);
  }

  #beat(): void {
    for (const line of this.#lines.values()) line.beat();
  }

  async #scan(): Promise<void> {
    const { port, portDir } = this.#options;
    const found: readonly (readonly [string, number | undefined])[] =
      port === undefined
        ? listPorts(portDir).map((n) => [portPath(n, portDir), n] as const)
        : [[port, undefined]];
    const fresh: Line[] = [];
    for (const [path, vcpu] of found) {
      const known = this.#lines.get(path);
      if (known !== undefined) {
        if (known.failure?.kind === "no-port") known.retry();
        continue;
      }
      const noticed = (from: Line, notice: Notice) => this.#noticed(from, notice);
      const line = new Line(path, vcpu, { ...this.#options, book: this.book, pulse: this.#pulse, noticed });
      this.#lines.set(path, line);
      fresh.push(line);
    }
    await Promise.all(fresh.map((line) => line.start()));
  }
}

function eventOf(notice: Notice): HostEvent {
  if (notice.do === "host-awake") return { event: notice.do, sleptS: notice.sleptS };
  const { wakeS } = notice;
  const known = wakeS > 0 && wakeS <= MAX_DATE_S;
  return { event: notice.do, until: known ? new Date(wakeS * 1000).toISOString() : null };
}
