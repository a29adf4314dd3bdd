// Everything that an operator can ask of the running daemon, in one table; each answer is plain data or a sentence.

import type { Handlers, Rehearsals } from "../../api/table.ts";
import { Changes, type LoadConfig } from "../changes.ts";
import type { Host } from "../host.ts";
import type { HostPower } from "../host-power.ts";
import { budgetAsks, budgetRehearsals } from "./budget.ts";
import { channelAsks, channelRehearsals } from "./channels.ts";
import type { MachineLook } from "../../power/machine-look.ts";
import { explainAsks } from "./explain.ts";
import { freqAsks, freqRehearsals } from "./freq.ts";
import { liveAsks } from "./live.ts";
import { policyAsks, policyRehearsals } from "./policies.ts";
import { statusAsks } from "./status.ts";
import { type Pinning, vmAsks, vmRehearsals } from "./vms.ts";

/** What the answers need beside the host. */
export interface AsksOptions extends Pinning {
  readonly version: string;
  /** Where changes are saved. */
  readonly dropInDir: string;
  readonly load: LoadConfig;
  readonly power: HostPower;
  /** The machine's name. */
  readonly hostname: string;
  readonly look: MachineLook;
  /** Another configuration is in force. */
  reloaded?(): void;
}

/** Returns who answers, a function a row of the API. */
export function asksOf(
  host: Host,
  { version, dropInDir, load, power, hostname, look, reloaded, ...pinning }: AsksOptions,
) {
  const changes = new Changes(load, dropInDir);
  return {
    ...statusAsks(host, version, changes, power.budget, () => {
      power.configured();
      reloaded?.();
    }),
    ...vmAsks(host, changes, pinning),
    ...channelAsks(host),
    ...freqAsks(host),
    ...explainAsks(host, power.budget),
    ...liveAsks(host, hostname, look, power.budget),
    ...policyAsks(host, dropInDir),
    ...budgetAsks(power.budget),
    ...power.asks,
  } satisfies Handlers;
}

export type Asks = ReturnType<typeof asksOf>;

/** Returns who tells what would happen, a function a change. */
export function rehearsalsOf(host: Host, { dropInDir, power, procRoot, isLibvirts }: AsksOptions) {
  return {
    ...vmRehearsals(host, { procRoot, isLibvirts }),
    ...channelRehearsals(host),
    ...freqRehearsals(host),
    ...budgetRehearsals(host, power.budget),
    ...policyRehearsals(host, dropInDir),
    ...power.rehearsals,
  } satisfies Rehearsals;
}
