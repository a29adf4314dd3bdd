// A group as an operator sees it: what it may draw, who leads it, and how each host stands.

import type { Priority } from "../values/vm-settings.ts";
import { isWord } from "../values/word.ts";
import { ok, type Result } from "../values/result.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import type { Report } from "./lead.ts";
import { committedOf, type Entry } from "./ledger.ts";
import {
  type Keys,
  type Places,
  readAllBelow,
  readBudget,
  readLeader,
  readLedger,
  readMember,
  readPlaces,
  readReport,
  readSettings,
} from "./stored.ts";

/** A host of a group; watts. */
export interface HostView {
  readonly host: string;
  /** Reports, is given up as silent, waits for room in the budget, or has never been heard of. */
  readonly state: "here" | "silent" | "waiting" | "unheard";
  readonly fallbackWatts: number;
  /** What it may draw by the last word of the leader. */
  readonly grantWatts: number | undefined;
  /** What it is counted for: more than the grant until it has given up the rest. */
  readonly countedWatts: number;
  readonly drawnWatts: number | undefined;
  readonly floorWatts: number | undefined;
  readonly demandWatts: Report["demand"] | undefined;
  /** ISO 8601. */
  readonly silentSince: string | undefined;
  readonly vms: Places["vms"];
}

export interface GroupView {
  readonly group: string;
  /** Asked for by the operator, and in force; undefined where there is none. */
  readonly wantedWatts: number | undefined;
  readonly budgetWatts: number | undefined;
  readonly countedWatts: number;
  readonly fallbackWatts: number;
  readonly drawnWatts: number;
  readonly leader: string | undefined;
  readonly hosts: readonly HostView[];
}

/** A group as it stands in etcd, and what a change of it has to go by. */
export interface StoredGroup {
  readonly view: GroupView;
  readonly revision: number;
}

/** Reads a group, whole, at one revision. */
export async function readGroup(
  etcd: Etcd,
  keys: Keys,
  group: string,
): Promise<Result<StoredGroup, EtcdError>> {
  const read = await etcd.txn(
    [],
    [
      ...[{ read: keys.ledger }, { read: keys.budget }, { read: keys.leader }],
      ...[{ readAll: keys.members }, { readAll: keys.reports }, { readAll: keys.places }],
    ],
  );
  if (!read.ok) return read;
  const [ledgerPair, budget, leader, memberPairs, reportPairs, placePairs] = read.value.found.map(
    ({ kvs }) => kvs,
  );
  const ledger = readLedger(ledgerPair?.[0]?.value);
  const members = readAllBelow(memberPairs ?? [], keys.members, readMember);
  const reports = readAllBelow(reportPairs ?? [], keys.reports, readReport);
  const places = readAllBelow(placePairs ?? [], keys.places, readPlaces);
  const led = readLeader(leader?.[0]?.value)?.name;
  const hosts = ledger?.hosts ?? {};
  const names = [...new Set([...Object.keys(hosts), ...members.keys()])].sort();
  const views = names.map((host): HostView => {
    const entry = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
    const report = reports.get(host);
    return {
      host,
      state: stateOf(entry, report !== undefined || led !== undefined),
      fallbackWatts: members.get(host)?.fallback ?? entry?.fallback ?? 0,
      grantWatts: entry?.watts,
      countedWatts: entry === undefined ? 0 : committedOf({ host: entry }),
      drawnWatts: report?.drawn,
      floorWatts: report?.floor,
      demandWatts: report?.demand,
      silentSince: entry?.silent === undefined ? undefined : new Date(entry.silent * 1000).toISOString(),
      vms: places.get(host)?.vms ?? [],
    };
  });
  return ok({
    revision: read.value.revision,
    view: {
      group,
      wantedWatts: readBudget(budget?.[0]?.value)?.watts,
      budgetWatts: ledger?.budget,
      countedWatts: committedOf(hosts),
      fallbackWatts: sum(
        views.map(({ host, fallbackWatts }) => Math.max(fallbackWatts, hosts[host]?.fallback ?? 0)),
      ),
      drawnWatts: sum(views.map(({ drawnWatts = 0 }) => drawnWatts)),
      leader: led,
      hosts: views,
    },
  });
}

/** @param isJudged whether somebody would have given it up: a leader, or the end of its report's lease */
function stateOf(entry: Entry | undefined, isJudged: boolean): HostView["state"] {
  if (entry === undefined) return "waiting";
  if (entry.silent !== undefined) return "silent";
  if (entry.run === "") return "unheard";
  return isJudged ? "here" : "silent";
}

/** Where a VM runs. */
export interface VmPlace {
  readonly group: string;
  readonly host: string;
  readonly priority: Priority;
  /** Whether it has less than it asked for because of a budget. */
  readonly pays: boolean;
}

/** Returns the hosts of all groups that report a VM, and what is set for it in etcd, as it is written. */
export async function findVm(
  etcd: Etcd,
  keys: Keys,
  vm: string,
): Promise<
  Result<{ readonly places: readonly VmPlace[]; readonly settings: object | undefined }, EtcdError>
> {
  const read = await etcd.txn([], [{ readAll: keys.allPlaces }, { read: `${keys.vms}${vm}` }]);
  if (!read.ok) return read;
  const [pairs, own] = read.value.found.map(({ kvs }) => kvs);
  const places = (pairs ?? []).flatMap(({ key, value }): VmPlace[] => {
    const [group = "", host = "", ...rest] = key.slice(keys.allPlaces.length).split("/");
    const found = readPlaces(value)?.vms.find((one) => one.vm === vm);
    if (found === undefined || !isWord(group) || !isWord(host) || rest.length > 0) return [];
    return [{ group, host, priority: found.priority, pays: found.pays }];
  });
  return ok({ places, settings: readSettings(own?.[0]?.value) });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
