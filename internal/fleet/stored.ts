// What stands in etcd, and where. Whoever may write there may write anything: each value is judged, and what is none of ours is nothing.

import * as v from "valibot";
import { PRIORITIES } from "../values/vm-settings.ts";
import { parseJson } from "../values/json.ts";
import { isVmName } from "../values/vm-name.ts";
import { isWord } from "../values/word.ts";
import type { Report } from "./lead.ts";
import type { Entry, Ledger } from "./ledger.ts";

/** Hosts of a group: its ledger is one value, which etcd bounds at 1.5 MiB. */
export const MAX_HOSTS = 1000;
/** VMs with settings in etcd, and VMs of one host. */
export const MAX_VMS = 4096;
/** More is no rack's, W. */
export const MAX_GROUP_WATTS = 10_000_000;
/** Longest value that is looked into, characters. */
const MAX_TEXT = 1 << 20;
/** Objects and arrays within each other; a policy of a VM has five. */
const MAX_DEPTH = 32;

/** Returns where a group's things stand. */
export function keysOf(prefix: string, group: string) {
  const at = `${prefix}groups/${group}/`;
  return {
    ledger: `${at}ledger`,
    budget: `${at}budget`,
    leader: `${at}leader`,
    members: `${at}members/`,
    reports: `${at}reports/`,
    places: `${prefix}places/${group}/`,
    allPlaces: `${prefix}places/`,
    vms: `${prefix}vms/`,
    /** Written with each change of a VM's settings: who looks here need not look there. */
    vmsChanged: `${prefix}vms-changed`,
  };
}

export type Keys = ReturnType<typeof keysOf>;

const watts = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_GROUP_WATTS));
const whole = v.pipe(watts, v.integer());
const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const run = v.pipe(v.string(), v.regex(/^[a-z0-9-]{0,64}$/));
const name = v.pipe(v.string(), v.check(isWord));
const demand = v.object({ high: watts, normal: watts, low: watts });

/** Seconds since 1970; a date ends at 8.64e15 ms. */
const wallS = v.pipe(seq, v.maxValue(8.64e12));
/** Every host reads the entries of all, each second or two: they are written as lists. */
const entry = v.pipe(
  v.strictTuple([whole, whole, whole, seq, run, seq, v.optional(wallS)]),
  v.transform(([fallback, watts, held, since, of, beat, silent]): Entry => ({
    ...{ fallback, watts, held, since, run: of, beat },
    ...(silent !== undefined && { silent }),
  })),
);
/** Counted before its members are looked at. */
const few = v.custom<object>(
  (value) => typeof value === "object" && value !== null && Object.keys(value).length <= MAX_HOSTS,
);
const ledgerValue = v.object({ seq, budget: whole, hosts: v.pipe(few, v.record(name, entry)) });
const reportValue = v.object({ run, beat: seq, ack: seq, floor: watts, demand, drawn: v.optional(watts) });
const memberValue = v.object({ fallback: whole });
const budgetValue = v.object({ watts: whole });
const leaderValue = v.object({ name, run });
/** Settings are judged where they are taken up, as a configuration file's. */
const settingsValue = v.pipe(
  v.custom<object>((value) => !Array.isArray(value)),
  v.looseObject({}),
);
const placesValue = v.object({
  vms: v.pipe(
    v.array(v.unknown()),
    v.maxLength(MAX_VMS),
    v.array(
      v.object({
        vm: v.pipe(v.string(), v.check(isVmName)),
        priority: v.picklist(PRIORITIES),
        pays: v.boolean(),
      }),
    ),
  ),
});

export type Places = v.InferOutput<typeof placesValue>;

const reader =
  <S extends v.GenericSchema>(schema: S) =>
  (text: string | undefined): v.InferOutput<S> | undefined => {
    if (text === undefined || text.length > MAX_TEXT) return undefined;
    const judged = v.safeParse(schema, parseJson(text, MAX_DEPTH));
    return judged.success ? judged.output : undefined;
  };

/** Each returns what a value says, undefined when it says nothing that could be meant. */
export const readLedger: (text: string | undefined) => Ledger | undefined = reader(ledgerValue);
export const readReport: (text: string | undefined) => Report | undefined = reader(reportValue);
export const readMember = reader(memberValue);
export const readBudget = reader(budgetValue);
export const readLeader = reader(leaderValue);
export const readSettings = reader(settingsValue);
export const readPlaces = reader(placesValue);

/** Returns a ledger as readLedger() takes it. */
export function writeLedger({ seq: number, budget, hosts }: Ledger): string {
  const entries = Object.entries(hosts).map(
    ([host, { fallback, watts: granted, held, since, run: of, beat, silent }]) => [
      host,
      [fallback, granted, held, since, of, beat, ...(silent === undefined ? [] : [silent])],
    ],
  );
  return JSON.stringify({ seq: number, budget, hosts: Object.fromEntries(entries) });
}

/** Returns what stands below `prefix`, by the rest of its key: those that `named` lets pass and `read` understands, at most `most`. */
export function readAllBelow<T>(
  pairs: readonly { readonly key: string; readonly value: string }[],
  prefix: string,
  read: (text: string) => T | undefined,
  { named = isWord, most = MAX_HOSTS } = {},
): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const { key, value } of pairs) {
    const rest = key.slice(prefix.length);
    if (found.size >= most || !named(rest)) continue;
    const one = read(value);
    if (one !== undefined) found.set(rest, one);
  }
  return found;
}
