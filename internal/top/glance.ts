// Two looks at the host as one: a rate is what people compare, and a counter alone doesn't tell it.

import type { LiveMachine, LiveReport, LiveVm } from "../api/live.ts";

/** A VM with its rates per second since the look before; undefined when there was none. */
export type GlanceVm = LiveVm & {
  readonly requestsPerSecond: number | undefined;
  readonly refusedPerSecond: number | undefined;
};

/** The machine with what it did since the look before; undefined where there was none. */
interface GlanceMachine extends Omit<LiveMachine, "cpus" | "packages"> {
  /** `busy` is a part, 0 to 1. */
  readonly cpus: readonly (LiveMachine["cpus"][number] & { readonly busy: number | undefined })[];
  readonly packages: readonly (LiveMachine["packages"][number] & { readonly watts: number | undefined })[];
}

/** The host at one glance, with rates. */
export interface Glance extends Omit<LiveReport, "vms" | "machine"> {
  readonly vms: readonly GlanceVm[];
  readonly machine: GlanceMachine;
}

/** Returns `now` with what its VMs asked and its CPUs did per second since `before`. */
export function glance(before: LiveReport | undefined, now: LiveReport): Glance {
  const rateOf = perSecond(before?.at, now.at);
  const known = new Map(before?.vms.map((vm) => [vm.vm, vm]));
  return {
    ...now,
    vms: now.vms.map((vm) => {
      const old = known.get(vm.vm);
      return {
        ...vm,
        requestsPerSecond: rateOf(old?.requests, vm.requests),
        refusedPerSecond: rateOf(old?.refused, vm.refused),
      };
    }),
    machine: machineOf(before?.machine, now.machine),
  };
}

function machineOf(before: LiveMachine | undefined, now: LiveMachine): GlanceMachine {
  const rateOf = perSecond(before?.at, now.at);
  const busyS = new Map(before?.cpus.map((one) => [one.cpu, one.busyS]));
  const joules = new Map(before?.packages.map((one) => [one.name, one.joules]));
  return {
    ...now,
    cpus: now.cpus.map((one) => {
      const busy = rateOf(busyS.get(one.cpu), one.busyS);
      // Either end falls within a tick.
      return { ...one, busy: busy && Math.min(1, busy) };
    }),
    packages: now.packages.map((one) => ({ ...one, watts: rateOf(joules.get(one.name), one.joules) })),
  };
}

/** Returns what makes a rate of two counts; undefined without an earlier one, or when it fell: what came again counts from 0. */
function perSecond(before: string | undefined, now: string) {
  const seconds = before === undefined ? 0 : (Date.parse(now) - Date.parse(before)) / 1000;
  return (old: number | undefined, young: number): number | undefined =>
    old !== undefined && seconds > 0 && young >= old ? (young - old) / seconds : undefined;
}
