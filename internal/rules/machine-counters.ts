// The machine's own counters for policies: kernel packet counters and perf events.

import type { TrafficRule } from "../values/policy.ts";
import type { BranchSample } from "./rule.ts";
import type { Refusal } from "../values/refusal.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { PacketCounter } from "../sysfs/net/counters.ts";
import { type Network, readNetwork } from "../sysfs/net/network.ts";
import { type OpenBranches, type PcpusOf, SharedBranches, VcpuBranches } from "./branch-counters.ts";
import { openPerfPair } from "./perf-events.ts";
import { type Clock, type Counter, nameOf, type PolicyCounters, type PolicySubject } from "./desk.ts";
import { VfCounter, VfViews } from "./vf-counters.ts";

/** A view of the interfaces is used this long, ms, so that 512 policies at once don't list them 512 times. */
const FRESH_MS = 1000;

export class MachineCounters implements PolicyCounters {
  readonly #sysfsRoot: string;
  readonly #pcpusOf: PcpusOf;
  readonly #clock: Clock;
  readonly #branches: SharedBranches;
  readonly #vfs: VfViews;
  #network: { readonly seen: Network; physicals?: readonly string[]; readonly until: number } | undefined;

  /** @param sysfsRoot stands for /sys */
  constructor(
    sysfsRoot: string,
    pcpusOf: PcpusOf,
    clock: Clock,
    openBranches: OpenBranches = openPerfPair,
    vfs = new VfViews(clock),
  ) {
    this.#vfs = vfs;
    this.#sysfsRoot = sysfsRoot;
    this.#pcpusOf = pcpusOf;
    this.#clock = clock;
    this.#branches = new SharedBranches(openBranches, clock);
  }

  traffic(subject: PolicySubject, rule: TrafficRule): Result<Counter<number>, Refusal> {
    const vm = nameOf(subject);
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
    for (const mac of new Set(rule.macs)) {
      const found = network?.byMac(mac);
      if (found !== undefined) {
        counters.set(found.path, new PacketCounter(found.path));
        continue;
      }
      // Where `ip` has not answered yet the policy stands, and fails once it is known that nobody has the MAC.
      const physicals = this.#physicals();
      if (physicals.every((physical) => this.#vfs.look(physical, mac) === "none"))
        return err({ kind: "mac-nowhere", vm, mac });
      counters.set(mac, new VfCounter(this.#vfs, physicals, mac));
    }
    return ok(new Sum([...counters.values()]));
  }

  branches(subject: PolicySubject, vcpu: number): Result<Counter<BranchSample>, Refusal> {
    const counter = new VcpuBranches(subject, vcpu, this.#pcpusOf, this.#branches);
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

  /** Returns the interfaces that have VFs, as of the last look. */
  #physicals(): readonly string[] {
    const network = this.#network;
    return network === undefined ? [] : (network.physicals ??= network.seen.withVfs());
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
