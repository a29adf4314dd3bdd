// What an operator changes in a fleet: a group's budget, its hosts, and settings that follow a VM.

import { DONE, err, ok, type Result } from "../values/result.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import type { Keys } from "./stored.ts";
import { type GroupView, readGroup } from "./view.ts";

/** A budget comes in force when all hosts have given up what is too much, or their grants have ended, ms. */
const IN_FORCE_MS = 20_000;
const LOOK_MS = 250;
/** Somebody else changed the same at the same time; more tries than that are somebody who always does. */
const TRIES = 5;

/** Why nothing was changed: etcd's word, or the fleet's rules. */
export type No = EtcdError | { readonly kind: "rule"; readonly message: string };
const rule = (message: string): Result<never, No> => err({ kind: "rule", message });
const RACED: Result<never, No> = rule("Others change the same all the time; try again.");

/** Asks for a group's budget and returns the one that was asked for before. Errors: "rule" for fewer watts than the hosts' fallbacks take; then nothing was changed. @param watts a whole number, W */
export async function setBudget(
  etcd: Etcd,
  keys: Keys,
  group: string,
  watts: number,
): Promise<Result<number | undefined, No>> {
  for (let tried = 0; tried < TRIES; tried++) {
    const read = await readGroup(etcd, keys, group);
    if (!read.ok) return read;
    const { view, revision } = read.value;
    if (watts < view.fallbackWatts)
      return rule(
        `The fallbacks of the ${view.hosts.length} hosts of ${group} take ${view.fallbackWatts} W: a budget of ${watts} W could not be held. Lower their fallback_watts, or remove hosts that are gone.`,
      );
    const done = await etcd.txn(
      [{ all: keys.members, unchangedSince: revision }],
      [{ put: keys.budget, value: JSON.stringify({ watts }) }],
    );
    if (!done.ok) return done;
    if (done.value.succeeded) return ok(view.wantedWatts);
  }
  return RACED;
}

/** Waits until a budget that was asked for is in force. Returns the group as it is then, or as it was when the time was over. */
export async function untilInForce(
  etcd: Etcd,
  keys: Keys,
  group: string,
  watts: number,
): Promise<Result<GroupView, EtcdError>> {
  const end = performance.now() + IN_FORCE_MS;
  for (;;) {
    const read = await readGroup(etcd, keys, group);
    if (read.ok && (read.value.view.budgetWatts === watts || read.value.view.hosts.length === 0))
      return ok(read.value.view);
    if (performance.now() >= end) return read.ok ? ok(read.value.view) : read;
    await Bun.sleep(LOOK_MS);
  }
}

/** Has a host counted before it is there. @param fallback W */
export async function addHost(
  etcd: Etcd,
  keys: Keys,
  host: string,
  fallback: number,
): Promise<Result<void, No>> {
  const key = `${keys.members}${host}`;
  const done = await etcd.txn([{ key, changed: 0 }], [{ put: key, value: JSON.stringify({ fallback }) }]);
  if (!done.ok) return done;
  return done.value.succeeded
    ? DONE
    : rule(`${host} is a host of this group already; its own powermon says its fallback.`);
}

/** Has a host that is gone counted no more, and returns its fallback, W. Errors: "rule" for one that still reports, or that is not there. */
export async function removeHost(
  etcd: Etcd,
  keys: Keys,
  group: string,
  host: string,
): Promise<Result<number, No>> {
  const read = await readGroup(etcd, keys, group);
  if (!read.ok) return read;
  const found = read.value.view.hosts.find((one) => one.host === host);
  if (found === undefined) return rule(`${group} has no host ${host}.`);
  if (found.state === "here")
    return rule(`${host} still reports: stop its powermon, or take [fleet] out of its file, first.`);
  const done = await etcd.txn([], [{ remove: `${keys.members}${host}` }]);
  return done.ok ? ok(found.fallbackWatts) : done;
}

/**
 * Changes a VM's settings in etcd and returns the new ones.
 * @param change makes the new ones of those that stand there (undefined for none); undefined removes them
 */
export async function changeVm(
  etcd: Etcd,
  keys: Keys,
  vm: string,
  change: (text: string | undefined) => Result<object | undefined, string>,
): Promise<Result<object | undefined, No>> {
  const key = `${keys.vms}${vm}`;
  for (let tried = 0; tried < TRIES; tried++) {
    const read = await etcd.txn([], [{ read: key }]);
    if (!read.ok) return read;
    const pair = read.value.found[0]?.kvs[0];
    const next = change(pair?.value);
    if (!next.ok) return rule(next.error);
    const done = await etcd.txn(
      [{ key, changed: pair?.changed ?? 0 }],
      [
        next.value === undefined ? { remove: key } : { put: key, value: JSON.stringify(next.value) },
        { put: keys.vmsChanged, value: vm },
      ],
    );
    if (!done.ok) return done;
    if (done.value.succeeded) return next;
  }
  return RACED;
}
