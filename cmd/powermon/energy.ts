// powermon energy: what the packages use, and the VMs' shares.

import * as v from "valibot";
import { parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import { parsePins } from "../../internal/pinning/static.ts";
import {
  attribute,
  type VmEnergy,
  type ZoneEnergy,
  zoneEnergies,
} from "../../internal/power/energy/energy.ts";
import {
  explainMeter,
  explainNoMeter,
  openEnergyMeter,
  type PowerReading,
} from "../../internal/power/energy/energy-meter.ts";
import { findRunningVms, pinnedCpus } from "../../internal/power/running-vms.ts";
import type { Pcpu } from "../../internal/values/units.ts";
import { failWith } from "../fail.ts";
import { ROOT_ARGS, rootsOf } from "./roots.ts";

const SECONDS = "must be seconds from 0.1 to 3600";
const Args = v.object({
  interval: v.pipe(
    v.string(),
    v.regex(/^\d{1,4}(\.\d{1,3})?$/, SECONDS),
    v.transform(Number),
    v.minValue(0.1, SECONDS),
    v.maxValue(3600, SECONDS),
  ),
});

export default defineCommand({
  meta: {
    name: "energy",
    summary: "show the joules of packages and other meters, and the share of VMs with pinned CPUs",
    details:
      "Reads the counters twice. A VM gets of each package's joules the share that its pinned CPUs have of the busy time of the package's CPUs; docs/energy.md says how far that can be off. Nothing is estimated where there is no meter: status 5 and the reason.",
    examples: [
      "powermon energy",
      "powermon energy --interval 10 --json",
      "powermon energy --pin web:0=2,1=3",
    ],
  },
  args: {
    interval: {
      type: "string",
      default: "1",
      valueHint: "S",
      description: "seconds between the two looks, 0.1 to 3600",
    },
    pin: {
      type: "string",
      valueHint: "VM:VCPU=PCPU,...",
      repeatable: true,
      description: "pins of a VM's vCPUs; other VMs' are read from their QEMU processes",
    },
    "sysfs-root": ROOT_ARGS["sysfs-root"],
    "proc-root": ROOT_ARGS["proc-root"],
    json: { type: "boolean", description: "print one JSON document" },
  },
  async run({ args, io }) {
    const roots = rootsOf({ ...args, "state-dir": ROOT_ARGS["state-dir"].default });
    const { interval } = parseArgs(Args, args);
    const pins = parsePins(args.pin);
    if (!pins.ok) throw new UsageError(`--pin: ${pins.error}.`);
    const meter = openEnergyMeter(roots);
    if (!meter.ok) {
      const status = meter.error.kind === "no-sensor" ? STATUS.unsupported : STATUS.failed;
      return failWith({ args, io }, status, [explainNoMeter(meter.error)]);
    }
    const from = meter.value.sample(performance.now());
    if (from.ok) await Bun.sleep(interval * 1000);
    const to = from.ok ? meter.value.sample(performance.now()) : from;
    if (!from.ok || !to.ok) {
      const failed = from.ok ? to : from;
      return failWith({ args, io }, STATUS.failed, failed.ok ? [] : [explainMeter(failed.error)]);
    }
    const zones = zoneEnergies(meter.value.zones, from.value, to.value);
    const online = [...to.value.busyTicks.keys()];
    const vms = attribute(zones, from.value, to.value, {
      packageOf: meter.value.packageOf,
      vms: vmsOf(roots.procRoot, pins.value, online),
    });
    const power = meter.value.readings();
    const seconds = (to.value.atMs - from.value.atMs) / 1000;
    // Without a counter of a whole package there is nothing to share out.
    const shared = zones.some((zone) => zone.package !== undefined) ? vms : [];
    io.out(args.json ? json({ seconds, zones, power, vms: shared }) : told(seconds, zones, power, shared));
    return STATUS.done;
  },
});

/** VMs with pinned CPUs: those given, and those that run. */
function vmsOf(
  procRoot: string,
  given: ReadonlyMap<string, ReadonlyMap<number, readonly Pcpu[]>>,
  online: readonly Pcpu[],
): { vm: string; cpus: readonly Pcpu[] }[] {
  const vms = new Map<string, readonly Pcpu[]>();
  for (const vm of findRunningVms(procRoot)) vms.set(vm.vm, pinnedCpus(vm, online));
  for (const [vm, vcpus] of given)
    vms.set(
      vm,
      [...new Set([...vcpus.values()].flat())].sort((a, b) => a - b),
    );
  return [...vms].filter(([, cpus]) => cpus.length > 0).map(([vm, cpus]) => ({ vm, cpus }));
}

function told(
  seconds: number,
  zones: readonly ZoneEnergy[],
  power: readonly PowerReading[],
  vms: readonly VmEnergy[],
): string {
  const rows = [
    ["METER", "ID", "PART OF", "JOULES", "WATTS"],
    ...zones.map((one) => [one.name, one.id, place(one, zones), one.joules.toFixed(3), one.watts.toFixed(3)]),
    ...power.map((one) => [one.name, one.id, "-", "-", one.watts.toFixed(3)]),
  ];
  const shares = vms.map((one) => [
    one.vm,
    one.joules.toFixed(3),
    `${one.leastJoules.toFixed(3)}-${one.mostJoules.toFixed(3)}`,
    one.watts.toFixed(3),
    `${(100 * one.busyShare).toFixed(1)} %`,
  ]);
  const lines = [`In ${seconds.toFixed(2)} s:`, table(rows)];
  if (shares.length > 0) lines.push(table([["VM", "JOULES", "BOUNDS", "WATTS", "BUSY SHARE"], ...shares]));
  return lines.join("\n");
}

/** What a zone belongs to: the zone around it, or the one that counts the same. */
function place({ parent, sameAs }: ZoneEnergy, zones: readonly ZoneEnergy[]): string {
  if (sameAs !== undefined) return `same as ${sameAs}`;
  return parent === undefined ? "-" : (zones.find(({ id }) => id === parent)?.name ?? parent);
}
