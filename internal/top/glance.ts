// Two looks at the host as one: a rate is what people compare, and a counter alone doesn't tell it.

import type { LiveReport, LiveVm } from "../api/live.ts";

/** A VM with its rates per second since the look before; undefined when there was none. */
export type GlanceVm = LiveVm & {
  readonly requestsPerSecond: number | undefined;
  readonly refusedPerSecond: number | undefined;
};

/** The host at one glance, with rates. */
export interface Glance extends Omit<LiveReport, "vms"> {
  readonly vms: readonly GlanceVm[];
}

/** Returns `now` with what its VMs asked per second since `before`. */
export function glance(before: LiveReport | undefined, now: LiveReport): Glance {
  const seconds = before === undefined ? 0 : (Date.parse(now.at) - Date.parse(before.at)) / 1000;
  const known = new Map(before?.vms.map((vm) => [vm.vm, vm]));
  return {
    ...now,
    vms: now.vms.map((vm) => {
      const old = known.get(vm.vm);
      const rate = (count: (one: LiveVm) => number): number | undefined => {
        // A VM that came again counts from 0.
        const grown = old === undefined ? -1 : count(vm) - count(old);
        return seconds > 0 && grown >= 0 ? grown / seconds : undefined;
      };
      return {
        ...vm,
        requestsPerSecond: rate(({ requests }) => requests),
        refusedPerSecond: rate(({ refused }) => refused),
      };
    }),
  };
}
