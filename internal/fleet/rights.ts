// What a host needs in etcd, thing by thing, so that somebody can ask for it before the host does.

import { ok, type Result } from "../values/result.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import type { Op } from "./etcd/wire.ts";
import { wordsOf } from "./etcd/why.ts";
import type { Keys } from "./stored.ts";

/** All that a host's powermon does, by its name in the group, and what `powermon fleet` reads. */
function needsOf(keys: Keys, name: string): readonly Op[] {
  const written = [`${keys.reports}${name}`, `${keys.members}${name}`, `${keys.places}${name}`];
  return [
    ...[...written, keys.leader, keys.ledger].map((put) => ({ put, value: "" })),
    ...[keys.ledger, keys.leader, keys.budget, keys.vmsChanged].map((read) => ({ read })),
    ...[keys.members, keys.reports, keys.vms, keys.allPlaces].map((countAll) => ({ countAll })),
  ];
}

/**
 * Returns what the host has no right to, such as `write "/powermon/groups/rack7/ledger"`, or "anything that a host needs". Writes nothing.
 * Errors: etcd could not be asked.
 */
export async function lackingRights(
  etcd: Etcd,
  keys: Keys,
  name: string,
): Promise<Result<readonly string[], EtcdError>> {
  const lacking: string[] = [];
  const tried = await Promise.all(
    // etcd looks at the rights to both branches; this one is never taken.
    needsOf(keys, name).map(async (op) => ({ op, done: await etcd.txn([], [], [op]) })),
  );
  for (const { op, done } of tried) {
    if (done.ok) continue;
    if (done.error.denied !== true) return done;
    lacking.push(wordsOf(op));
  }
  return ok(lacking.length === tried.length ? ["anything that a host needs"] : lacking);
}
