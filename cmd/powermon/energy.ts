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
  type VmUse,
  type ZoneEnergy,
  zoneEnergies,
} from "../../internal/power/energy/energy.ts";
import {
  explainMeter,
  explainNoMeter,
  openEnergyMeter,
  type PowerReading,
} from "../../internal/power/energy/energy-meter.ts";
import { readVmTime, usedBetween, type VmTime } from "../../internal/power/energy/vm-time.ts";
import { findRunningVms, pinnedCpus, type RunningVm } from "../../internal/power/running-vms.ts";
import type { Pcpu } from "../../internal/values/units.ts";
import { failWith } from "../fail.ts";
import { ROOT_ARGS, rootsOf } from "./roots.ts";

const WATTS = "must be watts from 0 to 2000";
const SECONDS = "must be seconds from 0.1 to 3600";
const Args = v.object({
  interval: v.pipe(
    v.string(),
    v.regex(/^\d{1,4}(\.\d{1,3})?$/, SECONDS),
    v.transform(Number),
    v.minValue(0.1, SECONDS),
    v.maxValue(3600, SECONDS),
  ),
  "idle-watts": v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,4}(\.\d{1,3})?$/, WATTS), v.transform(Number), v.maxValue(2000, WATTS)),
  ),
});

export default defineCommand({
  meta: {
    name: "energy",
    summary: "show the joules of packages and other meters, and the VMs' shares",
    details:
      "Reads the counters twice. A VM, pinned or not, gets of each package's joules the share that its vCPUs' threads have of the busy time of the package's CPUs; docs/energy.md says how far that can be off. What a package draws with nothing to do is told apart with --idle-watts: it is nobody's, and the column IDLE J is the part of it that a VM's pinned CPUs stand for. Nothing is estimated where there is no meter: status 5 and the reason.",
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
      description:
        "pins of a VM whose QEMU runs elsewhere: it gets by the busy time of these CPUs; other VMs are found by their processes",
    },
    "idle-watts": {
      type: "string",
      valueHint: "W",
      description: "watts that each package (or die that is metered) draws with nothing to do, 0 to 2000",
    },
    ...ROOT_ARGS,
    json: { type: "boolean", description: "print one JSON document" },
  },
  async run({ args, io }) {
    const roots = rootsOf(args);
    const { interval, "idle-watts": idleW } = parseArgs(Args, args);
    const pins = parsePins(args.pin);
    if (!pins.ok) throw new UsageError(`--pin: ${pins.error}.`);
    const meter = openEnergyMeter(roots);
    if (!meter.ok) {
      const status = meter.error.kind === "no-sensor" ? STATUS.unsupported : STATUS.failed;
      return failWith({ args, io }, status, [explainNoMeter(meter.error)]);
    }
    const began = lookAtVms(roots.procRoot);
    const from = meter.value.sample(performance.now());
    if (from.ok) await Bun.sleep(interval * 1000);
    const to = from.ok ? meter.value.sample(performance.now()) : from;
    if (!from.ok || !to.ok) {
      const failed = from.ok ? to : from;
      return failWith({ args, io }, STATUS.failed, failed.ok ? [] : [explainMeter(failed.error)]);
    }
    const ended = lookAtVms(roots.procRoot);
    const zones = zoneEnergies(meter.value.zones, from.value, to.value, idleW);
    const online = [...to.value.busyTicks.keys()];
    // Without a counter of a whole package there is nothing to share out.
    const vms = zones.some(({ cpus }) => cpus !== undefined)
      ? attribute(zones, from.value, to.value, usesOf(began, ended, pins.value, online))
      : [];
    const power = meter.value.readings();
    const seconds = (to.value.atMs - from.value.atMs) / 1000;
    io.out(
      args.json
        ? json({ seconds, zones, power, vms })
        : told(seconds, zones, power, vms, idleW !== undefined),
    );
    return STATUS.done;
  },
});

/** A running VM and how long it has run. */
type Look = ReadonlyMap<string, { readonly running: RunningVm; readonly time: VmTime }>;

const lookAtVms = (procRoot: string): Look =>
  new Map(
    findRunningVms(procRoot).map((running) => [running.vm, { running, time: readVmTime(procRoot, running) }]),
  );

/** What VMs used: those that ran at either look, and those whose pins are given. */
function usesOf(
  began: Look,
  ended: Look,
  given: ReadonlyMap<string, ReadonlyMap<number, readonly Pcpu[]>>,
  online: readonly Pcpu[],
): VmUse[] {
  const uses = new Map<string, VmUse>();
  for (const [vm, { running, time }] of ended) {
    const before = began.get(vm)?.running.pid === running.pid ? began.get(vm)?.time : undefined;
    const cpus = pinnedCpus(running, online);
    const usedMs = time.size === 0 ? undefined : usedBetween(before ?? new Map(), time);
    if (usedMs !== undefined || cpus.length > 0) uses.set(vm, { vm, cpus, usedMs });
  }
  for (const [vm, vcpus] of given) {
    if (uses.get(vm)?.usedMs !== undefined) continue;
    const cpus = [...new Set([...vcpus.values()].flat())].sort((a, b) => a - b);
    if (cpus.length > 0) uses.set(vm, { vm, cpus, usedMs: undefined });
  }
  return [...uses.values()];
}

function told(
  seconds: number,
  zones: readonly ZoneEnergy[],
  power: readonly PowerReading[],
  vms: readonly VmEnergy[],
  idle: boolean,
): string {
  const rows = [
    ["METER", "ID", "PART OF", "JOULES", "WATTS", ...(idle ? ["IDLE J"] : [])],
    ...zones.map((one) => [
      ...[one.name, one.id, place(one, zones), one.joules.toFixed(3), one.watts.toFixed(3)],
      ...(idle ? [one.idleJoules?.toFixed(3) ?? "-"] : []),
    ]),
    ...power.map((one) => [one.name, one.id, "-", "-", one.watts.toFixed(3), ...(idle ? ["-"] : [])]),
  ];
  const shares = vms.map((one) => [
    one.vm,
    one.joules.toFixed(3),
    `${one.leastJoules.toFixed(3)}-${one.mostJoules.toFixed(3)}`,
    one.watts.toFixed(3),
    `${(100 * one.busyShare).toFixed(1)} %`,
    one.by,
    ...(idle ? [one.idleJoules.toFixed(3)] : []),
  ]);
  const lines = [`In ${seconds.toFixed(2)} s:`, table(rows)];
  const heads = ["VM", "JOULES", "BOUNDS", "WATTS", "BUSY SHARE", "BY", ...(idle ? ["IDLE J"] : [])];
  if (shares.length > 0) lines.push(table([heads, ...shares]));
  return lines.join("\n");
}

/** What a zone belongs to: the zone around it, or the one that counts the same. */
function place({ parent, sameAs }: ZoneEnergy, zones: readonly ZoneEnergy[]): string {
  if (sameAs !== undefined) return `same as ${sameAs}`;
  return parent === undefined ? "-" : (zones.find(({ id }) => id === parent)?.name ?? parent);
}
