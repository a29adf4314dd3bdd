// What a policy must say to be one, wherever it is written: a host would refuse a wrong one without a word.

import type { GuestPolicy, PolicyType, Workload } from "../values/request.ts";
import { err, ok, type Result } from "../values/result.ts";

/** Packets per second at most. Source: DPDK rte_power_guest_channel.h, struct rte_power_traffic_policy. */
export const MAX_RATE = 0xffff_ffff;
export const MAX_MACS = 10;
/** A MAC address in lower case. */
export const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** A policy as somebody wrote it, each value within its bounds; what was left out is undefined. */
export interface SaidPolicy {
  readonly type: PolicyType;
  readonly vcpus: readonly number[];
  readonly busyHours?: readonly number[] | undefined;
  readonly quietHours?: readonly number[] | undefined;
  readonly trafficHours?: readonly number[] | undefined;
  readonly mac?: readonly string[] | undefined;
  readonly avg?: number | undefined;
  readonly max?: number | undefined;
  readonly workload?: Workload | undefined;
  readonly turbo?: boolean | undefined;
}
type Key = Exclude<keyof SaidPolicy, "type" | "vcpus" | "turbo">;

/** What each kind needs, and what it may have beside. */
const WANTS: Readonly<Record<PolicyType, { readonly all: readonly Key[]; readonly any: readonly Key[] }>> = {
  time: { all: [], any: ["busyHours", "quietHours", "trafficHours", "mac", "avg", "max"] },
  traffic: { all: ["mac", "avg", "max"], any: [] },
  workload: { all: ["workload"], any: [] },
  "branch-ratio": { all: [], any: [] },
};
const KEYS: readonly Key[] = ["busyHours", "quietHours", "trafficHours", "mac", "avg", "max", "workload"];

/** How a policy's keys and kind are called where it was written. */
export interface PolicyNames {
  key(key: keyof SaidPolicy): string;
  /** The kind with its key, such as `--type TIME`. */
  readonly kind: string;
}

/** Returns the policy that `said` is. Errors: the sentence that names what is missing, means nothing or contradicts. */
export function guestPolicy(said: SaidPolicy, names: PolicyNames): Result<GuestPolicy, string> {
  const { key, kind } = names;
  const problem = missingOrStray(said, names);
  if (problem !== undefined) return err(problem);
  const { type, vcpus, busyHours = [], quietHours = [], trafficHours = [], mac, avg, max } = said;
  if (type === "time" && busyHours.length + quietHours.length + trafficHours.length === 0)
    return err(`${kind} needs ${key("busyHours")}, ${key("quietHours")} or ${key("trafficHours")}.`);
  if (trafficHours.length > 0 && (mac === undefined || avg === undefined || max === undefined))
    return err(`${key("trafficHours")} needs ${key("mac")}, ${key("avg")} and ${key("max")}.`);
  const twice = busyHours.find((hour) => quietHours.includes(hour));
  if (twice !== undefined)
    return err(`Hour ${twice} is in ${key("busyHours")} and in ${key("quietHours")}; it can be one.`);
  if ((avg ?? 0) > (max ?? MAX_RATE)) return err(`${key("avg")} must not be above ${key("max")}.`);
  return ok({
    type,
    vcpus,
    macs: mac ?? [],
    traffic: { min: 0, avg: avg ?? 0, max: max ?? 0 },
    busyHours,
    quietHours,
    trafficHours,
    workload: said.workload ?? "high",
    turbo: said.turbo ?? false,
  });
}

function missingOrStray(said: SaidPolicy, { key, kind }: PolicyNames): string | undefined {
  const { all, any } = WANTS[said.type];
  for (const name of KEYS) {
    const given = said[name] !== undefined;
    if (!given && all.includes(name)) return `${key(name)} is missing; ${kind} needs it.`;
    if (given && !all.includes(name) && !any.includes(name))
      return `${key(name)} means nothing with ${kind}; leave it out.`;
  }
  return undefined;
}
