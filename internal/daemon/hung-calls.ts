// What a call of an ended powermon never returned from: it is left alone, told of, and tried again by another process, now and then or when told.

import { CallMark } from "../os/call-mark.ts";
import { leaveAlone, markCalls } from "../sysfs/calls.ts";
import type { Roots } from "../sysfs/cpufreq/originals.ts";
import {
  explainHung,
  type HungCall,
  isStuck,
  markOf,
  readHung,
  readSuspect,
  writeHung,
} from "../sysfs/hung.ts";
import { startTimeOf } from "../os/process.ts";
import type { SysfsError } from "../values/sysfs-error.ts";

/** Tries the file at `path` in a process of its own. Resolves to whether that came back in time; `pid` is told who tries. */
export type TryCall = (path: string, started: (pid: number) => void) => Promise<boolean>;

/** Who is told what changes. */
export interface HungListener {
  answers(call: HungCall): void;
  hangs(call: HungCall): void;
  failed(error: SysfsError): void;
}

/** A file that hangs is tried again after this long, and then after twice as long each time, in ms. */
const FIRST_MS = 10 * 60_000;
const LONGEST_MS = 24 * 60 * 60_000;

/** Returns when `call` is tried again by itself, as Date.now() tells. */
export const nextTry = ({ triedAt, tries }: HungCall): number =>
  triedAt + Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 10));

export class HungCalls {
  readonly #roots: Roots;
  readonly #tryCall: TryCall;
  readonly #mark: CallMark | undefined;
  #calls: readonly HungCall[];
  #listener: HungListener | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Scopes that are tried at the moment. */
  readonly #trying = new Map<string, Promise<boolean>>();

  /**
   * Leaves alone what hangs, and what hung in the powermon that ended last, and marks the calls of this process from now on. Of the
   * machine nothing is read. It must be the only one that uses the state folder.
   */
  constructor(roots: Roots, tryCall: TryCall, now = Date.now()) {
    this.#roots = roots;
    this.#tryCall = tryCall;
    const read = readHung(roots);
    const known = read.ok ? read.value : [];
    const suspect = readSuspect(roots, now);
    const isNew = suspect !== undefined && !known.some(({ scope }) => scope === suspect.scope);
    this.#calls = isNew ? [...known, suspect] : known;
    this.suspect = isNew ? suspect : undefined;
    // Before the mark of the last one goes.
    const kept = isNew ? this.#changed() : this.#obeyed();
    this.problem = read.ok ? kept : read.error;
    const mark = CallMark.open(markOf(roots.stateDir));
    this.markProblem = mark.ok ? undefined : mark.error;
    this.#mark = mark.ok ? mark.value : undefined;
    markCalls(this.#mark);
  }

  /** Why what was known can't be read, or what is new can't be kept; undefined when all is well. */
  readonly problem: SysfsError | undefined;
  /** Why this process can't mark its calls; undefined when it can. */
  readonly markProblem: string | undefined;
  /** What the powermon that ended last was at, and is not known to hang: most of the time it was just killed then. */
  readonly suspect: HungCall | undefined;

  /** What is left alone, in no order. */
  get all(): readonly HungCall[] {
    return this.#calls;
  }

  /** Returns what keeps the clock of `cpu` alone; undefined when nothing does. */
  ofClock(cpu: number): HungCall | undefined {
    return this.#calls.find(({ scope, cpus }) => scope.endsWith("/") && cpus.includes(cpu));
  }

  /** Tells `listener` of each change from now on, and tries again by itself what is due. */
  watch(listener: HungListener): void {
    this.#listener = listener;
    this.#plan();
  }

  /** Tells nobody any more, and tries nothing; what hangs stays alone, and calls are marked. */
  stop(): void {
    this.#listener = undefined;
    clearTimeout(this.#timer);
  }

  /** This process is done with the machine: its calls are marked no more. */
  end(): void {
    this.stop();
    markCalls(undefined);
    this.#mark?.close();
  }

  /**
   * Tries each of `calls` once, all at the same time, each in a process of its own: one whose last process is still in its call hangs,
   * and is not tried. What comes back is left alone no more. Returns for each whether it answers.
   */
  async retry(calls: readonly HungCall[]): Promise<readonly boolean[]> {
    return await Promise.all(
      calls.map((call) => {
        const under = this.#trying.get(call.scope);
        if (under !== undefined) return under;
        const trying = this.#try(call).finally(() => this.#trying.delete(call.scope));
        this.#trying.set(call.scope, trying);
        return trying;
      }),
    );
  }

  async #try(call: HungCall): Promise<boolean> {
    let { process } = call;
    const stuck = isStuck(call);
    const answers =
      !stuck &&
      (await this.#tryCall(call.path, (pid) => {
        process = { pid, startTime: startTimeOf(pid) ?? "" };
      }));
    const others = this.#calls.filter(({ scope }) => scope !== call.scope);
    const left = { ...call, process, triedAt: Date.now(), tries: call.tries + (stuck ? 0 : 1) };
    this.#calls = answers ? others : [...others, left];
    this.#changed();
    if (answers) this.#listener?.answers(call);
    else this.#listener?.hangs(left);
    this.#plan();
    return answers;
  }

  #obeyed(): undefined {
    leaveAlone(this.#calls);
  }

  /** Obeys and keeps what hangs now. Returns why it can't be kept. */
  #changed(): SysfsError | undefined {
    this.#obeyed();
    const kept = writeHung(this.#roots, this.#calls);
    if (kept.ok) return undefined;
    this.#listener?.failed(kept.error);
    return kept.error;
  }

  #plan(): void {
    clearTimeout(this.#timer);
    if (this.#listener === undefined || this.#calls.length === 0) return;
    const inMs = Math.max(0, Math.min(...this.#calls.map(nextTry)) - Date.now());
    this.#timer = setTimeout(
      () => {
        const due = this.#calls.filter((call) => nextTry(call) <= Date.now());
        if (due.length === 0) this.#plan();
        else void this.retry(due);
      },
      Math.min(inMs, LONGEST_MS),
    );
    this.#timer.unref();
  }
}

/** Returns what to say of a file that hangs, and what may be done about it. */
export const tellHung = (call: HungCall): string =>
  `${explainHung(call)} until ${new Date(nextTry(call)).toISOString()}, or \`powermon freq retry ${call.cpus.join(",") || "all"}\``;
