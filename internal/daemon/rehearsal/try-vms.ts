// VMs and channels that come or go, tried on paper.

import type { DryRunReport } from "../../api/dry-run.ts";
import { endClaims } from "../../channels/end-claims.ts";
import type { Answer } from "../../values/answer.ts";
import type { Numbers } from "../../values/numbers.ts";
import { ok } from "../../values/result.ts";
import type { Host } from "../host.ts";
import { rehearse } from "./rehearsal.ts";

const CONNECTS = "What its guests ask once their channels are connected is not known before.";

/** Returns what it would come to if these channels were taken up; undefined unless each of them has a socket. */
export function tryAdding(host: Host, vm: string, numbers: Numbers): Answer<DryRunReport> | undefined {
  const { channels } = host;
  const closed = channels.closed(vm, numbers);
  if (closed === undefined) return undefined;
  const isNew = channels.vm(vm) === undefined;
  return rehearse(
    host,
    ({ policies, warnings }) => {
      if (isNew) policies.vmChanged(vm);
      if (closed.length > 0) warnings.push(CONNECTS);
      return ok(closed.map((index) => ({ what: `channel ${vm}.${index}`, after: "taken up" })));
    },
    { vms: new Map(isNew ? [[vm, channels.newVm(vm)]] : []) },
  );
}

/** Returns what it would come to if these channels were closed; undefined unless each of them is there. */
export function tryRemoving(host: Host, vm: string, numbers: Numbers): Answer<DryRunReport> | undefined {
  const { channels } = host;
  const open = channels.open(vm, numbers);
  if (open === undefined) return undefined;
  const goes = open.length === channels.of(vm).length;
  return rehearse(
    host,
    (paper) => {
      for (const { connection } of open) if (connection !== undefined) endClaims(paper, connection.claimant);
      if (goes) paper.policies.vmChanged(vm);
      return ok(open.map(({ name, state }) => ({ what: `channel ${name}`, before: state })));
    },
    { vms: new Map(goes ? [[vm, undefined]] : []) },
  );
}
