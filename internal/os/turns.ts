// Who is served when more is asked than can be done at once: everybody a little in turn, with a look at all sockets in between.

/** Units of work in one turn, all parties together. A unit is about a request, some 10 us. */
const TURN_UNITS = 64;
/** A turn ends after this, in ms, however little was done: some requests take long. */
const TURN_MS = 0.5;
/** Units of a party without a break: the next one's wait. */
const SHARE_UNITS = 8;
/** How many paused sockets are read again after a turn: each may have some 200 KB, which take about 0.05 ms to read. */
const RESUMES = 2;

/** Those that wait, the longest waiting first; each stands in one line only. */
class Line<T extends { next: T | undefined }> {
  #first: T | undefined;
  #last: T | undefined;

  get empty(): boolean {
    return this.#first === undefined;
  }

  push(one: T): void {
    if (this.#last === undefined) this.#first = one;
    else this.#last.next = one;
    this.#last = one;
  }

  shift(): T | undefined {
    const one = this.#first;
    if (one === undefined) return undefined;
    this.#first = one.next;
    one.next = undefined;
    if (this.#first === undefined) this.#last = undefined;
    return one;
  }
}

/** Somebody whose work counts as one, such as a VM with all its channels: between parties turns are equal. */
export class Party {
  readonly waiting = new Line<Worker>();
  /** Whether it stands in a line, and who is behind it there. */
  lined = false;
  next: Party | undefined;
  /** The turn in which it did work last, and how many units. */
  turn = 0;
  spent = 0;
}

/** Something that gets work from outside, such as a connection. */
export interface Worker {
  readonly party: Party;
  /** The turn in which it was last offered; 0 at first. */
  turn: number;
  /** Who waits behind it; undefined at first. */
  next: Worker | undefined;
  /** Whether work waits. */
  readonly waits: boolean;
  /**
   * Does a part of what waits and returns how many units that was, 0 when nothing waited.
   * @param most units, from 1
   * @param untilMs performance.now() past which no further unit is begun
   */
  work(most: number, untilMs: number): number;
}

/**
 * The turns of the event loop. Work of a party that had little lately is done at once, when it is offered. What is more waits: parties
 * are served one after another, a share each, and within a party its workers. Those that had nothing to wait for come before those
 * that had, so that a flood makes itself wait. After each turn the loop looks at its sockets and timers.
 */
export class Turns {
  /** Parties whose work came while nothing of theirs waited, then those that had a share since. */
  readonly #fresh = new Line<Party>();
  readonly #rest = new Line<Party>();
  #turn = 1;
  #since = 0;
  /** Units done in this turn. */
  #spent = 0;
  #planned = false;
  /** What is to be read again, the longest paused first. */
  readonly #paused: (() => void)[] = [];
  readonly #run = (): void => {
    this.#planned = false;
    this.#begin(performance.now());
    const until = this.#since + TURN_MS;
    do this.#serveNext(until);
    while (this.#spent < TURN_UNITS && this.#busy && performance.now() < until);
    for (const resume of this.#paused.splice(0, RESUMES)) resume();
    if (this.#busy || this.#paused.length > 0) this.#plan();
    // What arrives meanwhile is of the next turn.
    this.#begin(this.#since);
  };

  /** Has the work of `worker`, of which nothing waited, done now or in its turn. @param nowMs performance.now() */
  offer(worker: Worker, nowMs: number): void {
    // A socket is read once before the loop looks at all of them again.
    if (worker.turn === this.#turn || nowMs - this.#since > TURN_MS) this.#begin(nowMs);
    worker.turn = this.#turn;
    const { party } = worker;
    if (party.waiting.empty && this.#spent < TURN_UNITS) this.#serve(worker, nowMs + TURN_MS);
    if (worker.waits) this.#add(worker);
  }

  /** Calls `resume`, which lets a paused socket be read, in its turn: floods read all at once would keep everybody from being looked at. */
  resume(resume: () => void): void {
    this.#paused.push(resume);
    this.#plan();
  }

  get #busy(): boolean {
    return !(this.#fresh.empty && this.#rest.empty);
  }

  #begin(nowMs: number): void {
    this.#turn++;
    this.#since = nowMs;
    this.#spent = 0;
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(this.#run);
  }

  /** Lets `worker` do what its party's share of this turn allows. */
  #serve(worker: Worker, until: number): void {
    const { party } = worker;
    if (party.turn !== this.#turn) {
      party.turn = this.#turn;
      party.spent = 0;
    }
    if (party.spent >= SHARE_UNITS) return;
    const done = worker.work(SHARE_UNITS - party.spent, until);
    party.spent += done;
    this.#spent += done;
  }

  #add(worker: Worker): void {
    const { party } = worker;
    party.waiting.push(worker);
    if (!party.lined) (party.turn === this.#turn ? this.#rest : this.#fresh).push(party);
    party.lined = true;
    this.#plan();
  }

  /** Gives the party that waited longest its share, its workers one after another, and puts it behind the others. */
  #serveNext(until: number): void {
    const party = this.#fresh.shift() ?? this.#rest.shift();
    if (party === undefined) return;
    const alone = !this.#busy;
    let left = alone ? TURN_UNITS - this.#spent : SHARE_UNITS;
    do {
      const worker = party.waiting.shift();
      if (worker === undefined) break;
      const done = worker.work(alone && party.waiting.empty ? left : Math.min(left, SHARE_UNITS), until);
      this.#spent += done;
      left -= done;
      if (worker.waits) party.waiting.push(worker);
    } while (left > 0 && performance.now() < until);
    party.lined = !party.waiting.empty;
    if (party.lined) this.#rest.push(party);
  }
}
