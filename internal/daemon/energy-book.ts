// What VMs may know of their own energy: whole joules, counted a period at a time, so that nobody's own work shows in them.

import type { EnergyBook } from "../channels/serve/serve.ts";
import type { Vm } from "../channels/vm.ts";
import { readVcpuThreads } from "../pinning/proc.ts";
import { attribute, type EnergySample, type VmUse, zoneEnergies } from "../power/energy/energy.ts";
import {
  type EnergyMeter,
  explainMeter,
  explainNoMeter,
  openEnergyMeter,
} from "../power/energy/energy-meter.ts";
import { readVmTime, usedBetween, type VmTime } from "../power/energy/vm-time.ts";
import type { MachineRoots } from "../sysfs/cpufreq/originals.ts";
import type { VmJoules } from "../values/extension.ts";
import type { Refusal } from "../values/refusal.ts";
import { err, ok, type Result } from "../values/result.ts";

/** The host looks this often, s: whatever a guest asks, it learns of no shorter time. */
const PERIOD_S = 10;
/** Joules are told in whole multiples of this. */
const RESOLUTION_J = 1;
/** After a longer time between two looks a counter may have wrapped twice; it is not counted, ms. */
const LONGEST_MS = 60_000;
/** The wall clock moves so far against the monotonic one when the machine slept, ms; RAPL may begin anew then. */
const SLEPT_MS = 1000;

/** What is counted for one VM. */
interface Count {
  /** Joules and milliseconds of all whole periods. */
  joules: number;
  ms: number;
  /** Its threads at the last look; undefined until the first. */
  time: VmTime | undefined;
}

/** The machine at a look. */
interface Look {
  readonly sample: EnergySample;
  /** The wall clock less the monotonic one, ms. */
  readonly offsetMs: number;
}

export class MachineEnergyBook implements EnergyBook {
  readonly #roots: MachineRoots;
  readonly #isThere: (vm: Vm) => boolean;
  readonly #counts = new Map<Vm, Count>();
  /** When the threads of a VM were found unknown, on performance.now(). */
  readonly #unknownAt = new WeakMap<Vm, number>();
  #meter: EnergyMeter | undefined;
  /** Why there is none, and when that was looked at, on performance.now(). */
  #why = "";
  #triedAt = -Infinity;
  #last: Look | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** @param isThere whether a VM is still served: what was counted for one that left is dropped */
  constructor(roots: MachineRoots, isThere: (vm: Vm) => boolean) {
    this.#roots = roots;
    this.#isThere = isThere;
  }

  /** Returns what was counted for `vm` up to the last look; the first question of all begins the looks. Errors: no-meter. */
  used(vm: Vm): Result<VmJoules, Refusal> {
    const no = (lacks: "meter" | "threads", why: string) =>
      err({ kind: "no-meter", vm: vm.vm, lacks, why } as const);
    if (this.#find() === undefined) return no("meter", this.#why);
    const count = this.#counts.get(vm) ?? this.#begin(vm);
    if (count === undefined)
      return no(
        "threads",
        "the threads of its vCPUs are not known; start QEMU with -name ...,debug-threads=on",
      );
    // The first look is at once; a VM that comes later waits for the next, which its question does not move.
    if (this.#last === undefined) void this.look();
    return ok({
      joules: Math.floor(count.joules / RESOLUTION_J) * RESOLUTION_J,
      seconds: Math.round(count.ms / 1000),
      periodS: PERIOD_S,
      resolutionJ: RESOLUTION_J,
    });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Looks at the counters and then at each VM that asked, in a turn of the loop of its own, and plans the next look. */
  async look(nowMs = performance.now(), offsetMs = Date.now() - performance.now()): Promise<void> {
    clearTimeout(this.#timer);
    const before = this.#last;
    const sample = this.#meter?.sample(nowMs);
    if (sample?.ok === false) this.#lose(explainMeter(sample.error));
    this.#last = sample?.ok === true ? { sample: sample.value, offsetMs } : undefined;
    for (const [vm, count] of [...this.#counts]) {
      if (this.#isThere(vm)) this.#count(vm, count, before);
      else this.#counts.delete(vm);
      await new Promise((resolve) => void setImmediate(resolve));
    }
    if (this.#stopped || this.#last === undefined) return;
    this.#timer = setTimeout(() => void this.look(), PERIOD_S * 1000);
    this.#timer.unref();
  }

  /** Counts for `vm` from now on. Undefined where its threads are not known, which is looked at once a period. */
  #begin(vm: Vm): Count | undefined {
    const now = performance.now();
    if (now - (this.#unknownAt.get(vm) ?? -Infinity) < PERIOD_S * 1000) return undefined;
    if (this.#timeOf(vm) === undefined) {
      this.#unknownAt.set(vm, now);
      return undefined;
    }
    const count = { joules: 0, ms: 0, time: undefined };
    this.#counts.set(vm, count);
    return count;
  }

  #count(vm: Vm, count: Count, before: Look | undefined): void {
    const [from, to, meter] = [before?.sample, this.#last?.sample, this.#meter];
    const began = count.time;
    count.time = to && this.#timeOf(vm);
    if (from === undefined || to === undefined || meter === undefined) return;
    // Of other threads, as after a new start of its QEMU, what they did in between is not known.
    if (began === undefined || ![...(count.time?.keys() ?? [])].some((tid) => began.has(tid))) return;
    const ms = to.atMs - from.atMs;
    const slept = Math.abs((this.#last?.offsetMs ?? 0) - (before?.offsetMs ?? 0)) > SLEPT_MS;
    if (slept || ms > LONGEST_MS) return;
    const usedMs = count.time && usedBetween(began, count.time);
    const use: VmUse = { vm: vm.vm, cpus: [], usedMs };
    count.joules += attribute(zoneEnergies(meter.zones, from, to), from, to, [use])[0]?.joules ?? 0;
    count.ms += ms;
  }

  #timeOf({ vm, pid }: Vm): VmTime | undefined {
    if (pid === undefined) return undefined;
    const { procRoot } = this.#roots;
    const threads = readVcpuThreads(procRoot, pid);
    const time = readVmTime(procRoot, { vm, pid, threads, vcpus: new Map() });
    return time.size === 0 ? undefined : time;
  }

  /** Returns the meter, looked for once a period while there is none. */
  #find(): EnergyMeter | undefined {
    const now = performance.now();
    if (this.#meter !== undefined || now - this.#triedAt < PERIOD_S * 1000) return this.#meter;
    this.#triedAt = now;
    const opened = openEnergyMeter(this.#roots);
    if (!opened.ok) this.#lose(explainNoMeter(opened.error));
    else if (opened.value.zones.every(({ cpus }) => cpus === undefined))
      this.#lose("no counter of this machine is that of a whole package");
    else {
      const tried = opened.value.sample(now);
      if (tried.ok) this.#meter = opened.value;
      else this.#lose(explainMeter(tried.error));
    }
    return this.#meter;
  }

  #lose(why: string): void {
    this.#meter = undefined;
    this.#why = why;
  }
}
