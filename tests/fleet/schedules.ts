// A fleet in virtual time, with everything that can go wrong: the real holders and leaders around a store that is told what to lose.

import { Holder } from "../../internal/fleet/holder.ts";
import { Lead, type Report } from "../../internal/fleet/lead.ts";
import type { Ledger } from "../../internal/fleet/ledger.ts";

/** What happens at a moment, in ms of true time. */
type Fault =
  /** The daemon is killed and starts anew after a while; its clock and its words for ledgers are new, its configured fallback may be. */
  | {
      readonly atMs: number;
      readonly kind: "crash";
      readonly host: number;
      readonly forMs: number;
      readonly fallback: number;
    }
  | { readonly atMs: number; readonly kind: "partition"; readonly host: number; readonly forMs: number }
  /** Every message of the host takes this much longer, each way at most. */
  | {
      readonly atMs: number;
      readonly kind: "delay";
      readonly host: number;
      readonly forMs: number;
      readonly byMs: number;
    }
  /** Only what comes back is lost. */
  | { readonly atMs: number; readonly kind: "deaf"; readonly host: number; readonly forMs: number }
  /** It takes itself for the leader, whoever else does. */
  | { readonly atMs: number; readonly kind: "lead"; readonly host: number; readonly forMs: number }
  /** Nobody can write or read. */
  | { readonly atMs: number; readonly kind: "quorum"; readonly host: number; readonly forMs: number }
  | { readonly atMs: number; readonly kind: "budget"; readonly host: number; readonly watts: number };

/** A run, whole: the same schedule gives the same end. */
export interface Schedule {
  readonly seed: number;
  readonly lastsMs: number;
  readonly budget: number;
  /** Configured fallback, W, and the speed of the clock, 0.9 to 1.1, a host. */
  readonly hosts: readonly { readonly fallback: number; readonly speed: number }[];
  readonly faults: readonly Fault[];
}

/** When more could be drawn than the budget in force. */
interface Excess {
  readonly atMs: number;
  readonly watts: number;
  readonly budget: number;
}

interface Outcome {
  readonly excess: Excess | undefined;
  /** Ledgers written, and times that a host's grant was above its fallback when looked at: a run in which nothing is granted proves nothing. */
  readonly ledgers: number;
  readonly granted: number;
}

const BEAT_MS = 1000;
const DEADLINE_MS = 2500;

/** Returns numbers from 0 to 1, the same ones for the same seed. Source: mulberry32, public domain. */
function numbersOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Returns a schedule of 3 to 20 hosts with everything that goes wrong on them. */
export function scheduleOf(seed: number): Schedule {
  const random = numbersOf(seed);
  const upTo = (most: number) => Math.floor(random() * most);
  const hosts = Array.from({ length: 3 + upTo(18) }, () => ({
    fallback: 20 + upTo(80),
    speed: 0.9 + random() * 0.2,
  }));
  const least = hosts.reduce((all, { fallback }) => all + fallback, 0);
  const lastsMs = 25_000 + upTo(20_000);
  const faults = Array.from({ length: upTo(14) }, (): Fault => {
    const [atMs, host, forMs] = [upTo(lastsMs), upTo(hosts.length), 500 + upTo(15_000)];
    switch (upTo(8)) {
      case 0:
      case 1:
        return { atMs, kind: "crash", host, forMs: upTo(4000), fallback: 20 + upTo(80) };
      case 2:
        return { atMs, kind: "partition", host, forMs };
      case 3:
        return { atMs, kind: "delay", host, forMs, byMs: upTo(4000) };
      case 4:
        return { atMs, kind: "deaf", host, forMs };
      case 5:
        return { atMs, kind: "lead", host, forMs };
      case 6:
        return { atMs, kind: "quorum", host, forMs: upTo(9000) };
      default:
        return { atMs, kind: "budget", host, watts: Math.floor(least * (0.8 + random() * 2)) };
    }
  });
  return { seed, lastsMs, budget: Math.floor(least * (1 + random() * 1.5)), hosts, faults };
}

interface Node {
  readonly name: string;
  readonly speed: number;
  /** Its configured fallback. */
  fallback: number;
  /** What a restart finds of what the ledger counted. */
  cached: number | undefined;
  holder: Holder;
  lead: Lead | undefined;
  up: boolean;
  joined: boolean;
  /** Each start is another: what an older one set in motion is nothing to it. */
  life: number;
  /** True until then, ms. */
  cutUntil: number;
  deafUntil: number;
  leadUntil: number;
  delayUntil: number;
  delayMs: number;
}

/** Runs a schedule. @param mutant changes what is promised, to show that the check would see it */
export function run(schedule: Schedule, mutant?: (ledger: Ledger) => Ledger): Outcome {
  const random = numbersOf(schedule.seed ^ 0x5eed);
  const store = {
    revision: 1,
    ledger: undefined as Ledger | undefined,
    ledgerAt: 0,
    membersAt: 0,
    wanted: schedule.budget,
    members: new Map<string, number>(),
    reports: new Map<string, Report>(),
  };
  let now = 0;
  let quorumUntil = 0;
  let [ledgers, granted] = [0, 0];
  const queue = new Queue();
  const at = (ms: number, act: () => void) => queue.add(ms, act);
  const clock = (node: Node) => now * node.speed;
  const nodes = schedule.hosts.map(({ fallback, speed }, index): Node => ({
    ...{
      name: `h${index}`,
      speed,
      fallback,
      cached: fallback,
      holder: new Holder(`h${index}`, "0", fallback),
    },
    ...{ lead: undefined, up: false, joined: false, life: 0 },
    ...{ cutUntil: 0, deafUntil: 0, leadUntil: index === 0 ? Infinity : 0, delayUntil: 0, delayMs: 0 },
  }));
  // The roster stands before anybody starts, as `powermon fleet host add` makes it.
  for (const { name, fallback } of nodes) store.members.set(name, fallback);

  /** Sends a word to the store, and brings its answer back; each way takes its time, or never ends. */
  const tell = <T>(node: Node, ask: () => T, heard: (answer: T) => void) => {
    const life = node.life;
    const trip = () => {
      const slow = now < node.delayUntil ? random() * node.delayMs : 0;
      return 1 + random() * 40 + slow;
    };
    at(now + trip(), () => {
      if (now < node.cutUntil || now < quorumUntil) return;
      const answer = ask();
      at(now + trip(), () => {
        if (node.life === life && node.up && now >= node.cutUntil && now >= node.deafUntil) heard(answer);
      });
    });
  };
  const beat = (node: Node, life: number) => {
    if (node.life !== life) return;
    const said = node.holder.ask(clock(node));
    const demand = { high: random() * 80, normal: random() * 120, low: random() * 120 };
    const report: Report = { ...said, floor: random() * 60, demand, drawn: 0 };
    const sentAt = now;
    const write = () => {
      store.revision++;
      store.reports.set(node.name, report);
      return store.ledger;
    };
    tell(node, write, (ledger) => {
      if (now - sentAt > DEADLINE_MS) return;
      node.holder.hear(said.beat, ledger, clock(node));
      // A host needs a moment to come down to what it was told.
      if (random() < 0.7) node.holder.acted();
      node.cached = node.holder.counted;
    });
    if (now < node.leadUntil) lead(node);
    else node.lead = undefined;
    // At rest a host of a large group lets every other beat out.
    at(now + (BEAT_MS * (random() < 0.5 ? 2 : 1)) / node.speed, () => beat(node, life));
  };
  const lead = (node: Node) => {
    node.lead ??= new Lead();
    const mine = node.lead;
    const read = () => ({ ...store, members: new Map(store.members), reports: new Map(store.reports) });
    tell(node, read, (group) => {
      const next = mine.next(group, clock(node), 0);
      if (next === undefined) return;
      const written = mutant?.(next) ?? next;
      const swap = () => {
        if (store.ledgerAt !== group.ledgerAt || store.membersAt > group.revision) return;
        store.ledgerAt = ++store.revision;
        store.ledger = written;
        ledgers++;
      };
      tell(node, swap, () => {});
    });
  };
  const start = (node: Node) => {
    const life = ++node.life;
    node.up = true;
    node.joined = false;
    node.lead = undefined;
    node.holder = new Holder(node.name, String(life), node.fallback, node.cached);
    node.cached = node.holder.counted;
    const join = () => {
      if (node.life !== life || node.joined) return;
      const member = node.fallback;
      const write = () => {
        store.membersAt = ++store.revision;
        store.members.set(node.name, member);
      };
      tell(node, write, () => {
        if (node.joined) return;
        node.joined = true;
        beat(node, life);
      });
      at(now + DEADLINE_MS, join);
    };
    join();
  };
  for (const node of nodes) at(random() * BEAT_MS, () => start(node));
  for (const fault of schedule.faults) {
    const node = nodes[fault.host];
    if (node === undefined) continue;
    at(fault.atMs, () => {
      switch (fault.kind) {
        case "crash":
          node.up = false;
          node.life++;
          node.fallback = fault.fallback;
          at(now + fault.forMs, () => {
            if (!node.up) start(node);
          });
          return;
        case "partition":
          node.cutUntil = now + fault.forMs;
          return;
        case "delay":
          node.delayUntil = now + fault.forMs;
          node.delayMs = fault.byMs;
          return;
        case "deaf":
          node.deafUntil = now + fault.forMs;
          return;
        case "lead":
          node.leadUntil = Math.max(node.leadUntil, now + fault.forMs);
          return;
        case "quorum":
          quorumUntil = now + fault.forMs;
          return;
        default:
          store.revision++;
          store.wanted = fault.watts;
      }
    });
  }
  while (now < schedule.lastsMs) {
    const event = queue.next();
    if (event === undefined) break;
    now = event.atMs;
    event.act();
    let watts = 0;
    for (const node of nodes) {
      // A daemon that is down has no grant: it was started anew at its fallback, or its unit will.
      const limit = node.up ? node.holder.limit(clock(node)) : (node.cached ?? node.fallback);
      watts += Math.min(limit, node.up ? Infinity : limit);
      if (limit > node.holder.fallback) granted++;
    }
    const budget = store.ledger?.budget ?? schedule.budget;
    if (watts > budget + 1e-6) return { excess: { atMs: now, watts, budget }, ledgers, granted };
  }
  return { excess: undefined, ledgers, granted };
}

/** Returns the smallest schedule found that still fails: faults and hosts are left out one after another. */
export function shrink(schedule: Schedule, fails: (one: Schedule) => boolean): Schedule {
  let least = schedule;
  for (let again = true; again;) {
    again = false;
    const smaller: Schedule[] = [
      ...least.faults.map((_, at) => ({ ...least, faults: least.faults.filter((_, other) => other !== at) })),
      ...(least.hosts.length > 2
        ? [
            {
              ...least,
              hosts: least.hosts.slice(0, -1),
              faults: least.faults.filter(({ host }) => host < least.hosts.length - 1),
            },
          ]
        : []),
    ];
    const next = smaller.find(fails);
    if (next === undefined) continue;
    least = next;
    again = true;
  }
  return least;
}

/** What is to happen, soonest first: a binary heap. */
class Queue {
  readonly #heap: { readonly atMs: number; readonly order: number; readonly act: () => void }[] = [];
  #order = 0;

  add(atMs: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs, order: this.#order++, act });
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  next(): { readonly atMs: number; readonly act: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let least = parent;
      if (left < heap.length && this.#isBefore(left, least)) least = left;
      if (right < heap.length && this.#isBefore(right, least)) least = right;
      if (least === parent) return first;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    [heap[a], heap[b]] = [heap[b] as (typeof heap)[number], heap[a] as (typeof heap)[number]];
  }
}
