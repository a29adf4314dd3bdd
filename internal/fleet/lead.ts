// The leader's side: the next ledger, made of the last one and of what the hosts say. Nobody is given what another may still hold.

import type { Beat } from "./holder.ts";
import { committedOf, type Entry, type Ledger, SILENT_MS } from "./ledger.ts";
import { share, type Want } from "./share.ts";

/** What a host says each second or two. */
export interface Report extends Beat, Omit<Want, "fallback"> {
  /** W; undefined while its meter is not believed. */
  readonly drawn?: number | undefined;
}

/** A group as etcd has it at one revision. */
export interface Group {
  /** etcd's revision, which becomes the next ledger's number. */
  readonly revision: number;
  /** Undefined where there is none, or one that can't be understood. */
  readonly ledger: Ledger | undefined;
  /** The budget that the operator asked for, W. */
  readonly wanted: number | undefined;
  /** Fallbacks of the hosts that belong to the group, W. */
  readonly members: ReadonlyMap<string, number>;
  readonly reports: ReadonlyMap<string, Report>;
}

/** Smaller moves of a share are not worth a write to every clock: W, and a part of the grant. */
const DEAD_W = 1;
const DEAD_PART = 0.02;

type Hosts = Record<string, Entry>;

/** One term of a leader. What it remembers is when it learnt of each host's last report, by its own clock. */
export class Lead {
  readonly #news = new Map<string, { readonly run: string; readonly beat: number; readonly atMs: number }>();
  #missingAt: number | undefined;

  /**
   * Returns the ledger to put in the place of `group.ledger`, provided that one still stands there; undefined while nothing may be promised:
   * no budget was set, or there is no ledger, and grants of a lost one may still hold, or the fallbacks alone are more than the budget.
   * @param nowMs monotonic time, read after `group` was
   * @param wallS seconds since 1970, for people
   */
  next(group: Group, nowMs: number, wallS: number): Ledger | undefined {
    const old = this.#known(group, nowMs);
    if (old === undefined) return undefined;
    const seq = group.revision;
    const hosts: Hosts = {};
    for (const [name, entry] of Object.entries(old.hosts)) {
      const now = this.#hear(name, entry, group.reports.get(name), nowMs, wallS);
      const fallback = group.members.get(name);
      if (fallback === undefined && !isLive(now)) continue;
      hosts[name] = lowerFallback(now, fallback);
    }
    const wanted = group.wanted ?? old.budget;
    const waiting = [...group.members].filter(([name, watts]) => watts > (hosts[name]?.fallback ?? 0));
    const least = sum([...fallbacksOf(hosts, group.members).values()]);
    // One that the fallbacks don't fit into is no budget that could be held.
    const budget = wanted >= least ? wanted : old.budget;
    const missing = waiting.map(([name, watts]) => watts - (hosts[name]?.fallback ?? 0));
    const room = least <= budget ? sum(missing) : 0;
    const shares = targets(hosts, group.reports, budget - room);
    const exact = budget !== old.budget || waiting.length > 0;
    lower(hosts, shares, seq, exact);
    let free = budget - committedOf(hosts);
    for (const [name, watts] of waiting) free -= admit(hosts, name, watts, free, seq);
    raise(hosts, shares, group.reports, free, seq, exact);
    return { seq, budget: free >= 0 ? budget : old.budget, hosts };
  }

  #known({ ledger, wanted, revision, members }: Group, nowMs: number): Ledger | undefined {
    if (ledger !== undefined) {
      this.#missingAt = undefined;
      return ledger;
    }
    this.#missingAt ??= nowMs;
    if (wanted === undefined || nowMs - this.#missingAt < SILENT_MS) return undefined;
    if (wanted < sum([...members.values()])) return undefined;
    return { seq: revision, budget: wanted, hosts: {} };
  }

  /** Returns an entry after what its host said, or did not say. */
  #hear(name: string, entry: Entry, report: Report | undefined, nowMs: number, wallS: number): Entry {
    const news = this.#news.get(name);
    const isNews = news?.run !== entry.run || news.beat !== entry.beat;
    const atMs = isNews || news === undefined ? nowMs : news.atMs;
    const { fallback, since } = entry;
    // A report outlives its host by a while: what was answered, or given up, is no news.
    const isFresh = report !== undefined && (report.run !== entry.run || report.beat > entry.beat);
    if (isFresh) {
      const held = report.ack >= since ? entry.watts : entry.held;
      this.#news.set(name, { run: report.run, beat: report.beat, atMs: nowMs });
      return { fallback, watts: entry.watts, held, since, run: report.run, beat: report.beat };
    }
    this.#news.set(name, { run: entry.run, beat: entry.beat, atMs });
    if (nowMs - atMs < SILENT_MS || !isLive(entry)) return entry;
    return { ...entry, watts: fallback, held: fallback, silent: wallS };
  }
}

/** Whether a grant that the host was given may still hold. */
const isLive = ({ run, silent }: Entry): boolean => run !== "" && silent === undefined;

/** A host says its fallback when it goes by it already: a lower one counts at once, a higher one when there is room. */
function lowerFallback(entry: Entry, fallback: number | undefined): Entry {
  if (fallback === undefined || fallback >= entry.fallback) return entry;
  return isLive(entry) ? { ...entry, fallback } : { ...entry, fallback, watts: fallback, held: fallback };
}

/** Returns the fallbacks that must find room: those that count, and those that wait. */
function fallbacksOf(hosts: Hosts, members: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const all = new Map(Object.entries(hosts).map(([name, { fallback }]) => [name, fallback]));
  for (const [name, watts] of members) all.set(name, Math.max(watts, all.get(name) ?? 0));
  return all;
}

/** Returns what each host that is heard of shall have. */
function targets(hosts: Hosts, reports: Group["reports"], budget: number): ReadonlyMap<string, number> {
  const live = Object.entries(hosts).filter(([, entry]) => isLive(entry));
  const silent = sum(Object.values(hosts).map((entry) => (isLive(entry) ? 0 : entry.fallback)));
  const wants = live.map(([name, { fallback }]): Want => {
    const { floor, demand } = reports.get(name) ?? { floor: 0, demand: { high: 0, normal: 0, low: 0 } };
    return { fallback, floor, demand };
  });
  const shares = share(budget - silent, wants);
  return new Map(live.map(([name], at) => [name, shares[at] as number]));
}

const isSmall = (move: number, watts: number) => Math.abs(move) <= Math.max(DEAD_W, watts * DEAD_PART);

/** One move at a time: while a host may still hold more than it has, nothing is changed for it. */
const isSettled = ({ held, watts }: Entry) => held <= watts;

function lower(hosts: Hosts, shares: ReadonlyMap<string, number>, seq: number, exact: boolean): void {
  for (const [name, watts] of shares) {
    const entry = hosts[name] as Entry;
    if (!isSettled(entry) || watts >= entry.watts || (!exact && isSmall(entry.watts - watts, watts)))
      continue;
    hosts[name] = { ...entry, watts, held: entry.watts, since: seq };
  }
}

/** Counts a host that is new, or whose fallback grew, when there is room. Returns the watts that it took. */
function admit(hosts: Hosts, name: string, fallback: number, free: number, seq: number): number {
  const entry = hosts[name];
  const took = Math.max(0, fallback - (entry === undefined ? 0 : Math.max(entry.watts, entry.held)));
  if (took > free) return 0;
  const watts = Math.max(fallback, entry?.watts ?? 0);
  const held = Math.max(watts, entry?.held ?? 0);
  hosts[name] = { run: "", beat: 0, ...entry, fallback, watts, held, since: seq };
  return took;
}

function raise(
  hosts: Hosts,
  shares: ReadonlyMap<string, number>,
  reports: Group["reports"],
  free: number,
  seq: number,
  exact: boolean,
): void {
  const needs = [...shares].flatMap(([name, watts]) => {
    const entry = hosts[name] as Entry;
    const need = watts - entry.watts;
    const report = reports.get(name);
    const isHeard = report?.run === entry.run && report.beat === entry.beat;
    if (!isHeard || !isSettled(entry) || need <= 0 || (!exact && isSmall(need, watts))) return [];
    return [{ name, need }];
  });
  const all = sum(needs.map(({ need }) => need));
  if (free <= 0 || all <= 0) return;
  const part = Math.min(1, free / all);
  for (const { name, need } of needs) {
    const entry = hosts[name] as Entry;
    const watts = entry.watts + Math.floor(need * part);
    if (watts > entry.watts) hosts[name] = { ...entry, watts, held: watts, since: seq };
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
