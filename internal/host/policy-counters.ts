// The machine's own counters for policies: kernel packet counters and perf events.

import type { TrafficRule } from "../policy.ts";
import type { BranchSample } from "../profile/profile.ts";
import type { Refusal } from "../refusal.ts";
import { err, ok, type Result } from "../result.ts";
import type { SysfsError } from "../sysfs/error.ts";
import { PacketCounter } from "../sysfs/net-counters.ts";
import { type Network, readNetwork } from "../sysfs/network.ts";
import type { Pcpu } from "../units.ts";
import { openPerfPair, type PerfPair } from "./perf-events.ts";
import type { Clock, Counter, PolicyCounters } from "./policy-desk.ts";
import { hasVf, VfCounter } from "./vf-counters.ts";

/** A view of the interfaces is used this long, ms, so that 512 policies at once don't list them 512 times. */
const FRESH_MS = 1000;

/** Returns where a vCPU runs now: its pCPUs, or why it has none. */
export type PcpusOf = (vm: string, vcpu: number) => Result<readonly Pcpu[], Refusal>;

/** What opens a CPU's branch counters; openPerfPair unless a test says otherwise. */
export type OpenBranches = (cpu: Pcpu) => Result<Pick<PerfPair, "read" | "close">, string>;

export class MachineCounters implements PolicyCounters {
  readonly #sysfsRoot: string;
  readonly #pcpusOf: PcpusOf;
  readonly #clock: Clock;
  readonly #openBranches: OpenBranches;
  #network: { readonly seen: Network; readonly until: number } | undefined;

  /** @param sysfsRoot stands for /sys */
  constructor(sysfsRoot: string, pcpusOf: PcpusOf, clock: Clock, openBranches: OpenBranches = openPerfPair) {
    this.#sysfsRoot = sysfsRoot;
    this.#pcpusOf = pcpusOf;
    this.#clock = clock;
    this.#openBranches = openBranches;
  }

  traffic(vm: string, rule: TrafficRule): Result<Counter<number>, Refusal> {
    if (rule.macs.length + rule.interfaces.length === 0)
      return err({ kind: "policy-lacks", vm, lacks: "macs" });
    const network = this.#look();
    // By file: a guest may name a MAC twice, and two MACs may share an interface.
    const counters = new Map<string, Counter<number>>();
    for (const name of rule.interfaces) {
      const found = network?.byName(name);
      if (found === undefined) return err({ kind: "no-interface", vm, name });
      counters.set(found.path, new PacketCounter(found.path));
    }
    for (const mac of rule.macs) {
      const found = network?.byMac(mac);
      const vf =
        found === undefined ? network?.withVfs().find((physical) => hasVf(physical, mac)) : undefined;
      if (found !== undefined) counters.set(found.path, new PacketCounter(found.path));
      else if (vf !== undefined) counters.set(mac, new VfCounter(vf, mac));
      else return err({ kind: "mac-nowhere", vm, mac });
    }
    return ok(new Sum([...counters.values()]));
  }

  branches(vm: string, vcpu: number): Result<Counter<BranchSample>, Refusal> {
    const counter = new VcpuBranches(vm, vcpu, this.#pcpusOf, this.#openBranches);
    const opened = counter.open();
    return opened.ok ? ok(counter) : opened;
  }

  #look(): Network | undefined {
    const now = this.#clock.monotonicMs();
    if (this.#network === undefined || now >= this.#network.until) {
      const seen = readNetwork(this.#sysfsRoot);
      this.#network = seen.ok ? { seen: seen.value, until: now + FRESH_MS } : undefined;
    }
    return this.#network?.seen;
  }
}

/** Several counters as one. */
class Sum implements Counter<number> {
  readonly #parts: readonly Counter<number>[];

  constructor(parts: readonly Counter<number>[]) {
    this.#parts = parts;
  }

  read(): Result<number | undefined, SysfsError> {
    let sum = 0;
    for (const part of this.#parts) {
      const count = part.read();
      if (!count.ok || count.value === undefined) return count;
      sum += count.value;
    }
    return ok(sum);
  }

  close(): void {
    for (const part of this.#parts) part.close();
  }
}

/** Branches where one vCPU runs; it follows when the vCPU is pinned elsewhere. */
class VcpuBranches implements Counter<BranchSample> {
  readonly #vm: string;
  readonly #vcpu: number;
  readonly #pcpusOf: PcpusOf;
  readonly #openBranches: OpenBranches;
  #pcpus: readonly Pcpu[] = [];
  #pairs: readonly Pick<PerfPair, "read" | "close">[] = [];
  /** Added to what the open counters show, so that the sum never goes back. */
  #base: BranchSample = { branches: 0, misses: 0 };

  constructor(vm: string, vcpu: number, pcpusOf: PcpusOf, openBranches: OpenBranches) {
    this.#vm = vm;
    this.#vcpu = vcpu;
    this.#pcpusOf = pcpusOf;
    this.#openBranches = openBranches;
  }

  open(): Result<void, Refusal> {
    const place = this.#pcpusOf(this.#vm, this.#vcpu);
    if (!place.ok) return place;
    const pairs: Pick<PerfPair, "read" | "close">[] = [];
    for (const pcpu of place.value) {
      const pair = this.#openBranches(pcpu);
      if (pair.ok) pairs.push(pair.value);
      else {
        for (const other of pairs) other.close();
        return err({ kind: "no-branch-counters", vm: this.#vm, vcpu: this.#vcpu, pcpu, why: pair.error });
      }
    }
    this.#pcpus = place.value;
    this.#pairs = pairs;
    return ok(undefined);
  }

  read(): Result<BranchSample | undefined, SysfsError> {
    const place = this.#pcpusOf(this.#vm, this.#vcpu);
    if (place.ok && place.value !== this.#pcpus && place.value.join() !== this.#pcpus.join()) {
      this.#base = this.#sum() ?? this.#base;
      this.close();
      if (!this.open().ok) return this.#gone();
    }
    const sum = this.#sum();
    return sum === undefined ? this.#gone() : ok(sum);
  }

  close(): void {
    for (const pair of this.#pairs) pair.close();
    this.#pairs = [];
  }

  #sum(): BranchSample | undefined {
    let { branches, misses } = this.#base;
    if (this.#pairs.length === 0) return undefined;
    for (const pair of this.#pairs) {
      const counts = pair.read();
      if (counts === undefined) return undefined;
      branches += counts.first;
      misses += counts.second;
    }
    return { branches, misses };
  }

  #gone(): Result<never, SysfsError> {
    return err({ kind: "sysfs", op: "read", path: `perf:cpu${this.#pcpus.join(",")}`, code: "ENODEV" });
  }
}
