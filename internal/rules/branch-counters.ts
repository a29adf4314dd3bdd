// Branches where a vCPU runs, wherever that is at the time.

import type { BranchSample } from "./rule.ts";
import type { Refusal } from "../values/refusal.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import type { Pcpu } from "../values/units.ts";
import type { PerfPair } from "./perf-events.ts";
import { type Clock, type Counter, nameOf, type PolicySubject } from "./desk.ts";

/** Returns where a vCPU runs now: its pCPUs, or why it has none. */
export type PcpusOf = (subject: PolicySubject, vcpu: number) => Result<readonly Pcpu[], Refusal>;

/** What opens a CPU's branch counters; openPerfPair unless a test says otherwise. */
export type OpenBranches = (cpu: Pcpu) => Result<Pick<PerfPair, "read" | "close">, string>;

/** A count holds this long, ms: well under the time between two samples. */
const FRESH_MS = 20;

interface Shared {
  readonly pair: Pick<PerfPair, "read" | "close">;
  users: number;
  readAt: number;
  counts: BranchSample | undefined;
}

/** One pair of counters for each pCPU, however many vCPUs run there: to read one means to interrupt that CPU. */
export class SharedBranches {
  readonly #open: OpenBranches;
  readonly #clock: Clock;
  readonly #byPcpu = new Map<Pcpu, Shared>();

  constructor(open: OpenBranches, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** Takes part in the counters of `cpu`; give them back by leave(). The error says why they can't be had. */
  join(cpu: Pcpu): Result<void, string> {
    const shared = this.#byPcpu.get(cpu);
    if (shared !== undefined) shared.users++;
    else {
      const pair = this.#open(cpu);
      if (!pair.ok) return pair;
      this.#byPcpu.set(cpu, { pair: pair.value, users: 1, readAt: -Infinity, counts: undefined });
    }
    return ok(undefined);
  }

  leave(cpu: Pcpu): void {
    const shared = this.#byPcpu.get(cpu);
    if (shared === undefined || --shared.users > 0) return;
    shared.pair.close();
    this.#byPcpu.delete(cpu);
  }

  /** Returns the counts of a CPU that was joined; undefined once it is offline. */
  read(cpu: Pcpu): BranchSample | undefined {
    const shared = this.#byPcpu.get(cpu);
    if (shared === undefined) return undefined;
    const now = this.#clock.monotonicMs();
    if (now - shared.readAt >= FRESH_MS) {
      const counts = shared.pair.read();
      shared.counts = counts === undefined ? undefined : { branches: counts.first, misses: counts.second };
      shared.readAt = now;
    }
    return shared.counts;
  }
}

/** Branches where one vCPU runs, summed over its pCPUs; the sum never goes back when it moves. */
export class VcpuBranches implements Counter<BranchSample> {
  readonly #subject: PolicySubject;
  readonly #vcpu: number;
  readonly #pcpusOf: PcpusOf;
  readonly #shared: SharedBranches;
  #pcpus: readonly Pcpu[] = [];
  /** Added to what the CPUs show now. */
  #base: BranchSample = { branches: 0, misses: 0 };
  #last: BranchSample = this.#base;

  constructor(subject: PolicySubject, vcpu: number, pcpusOf: PcpusOf, shared: SharedBranches) {
    this.#subject = subject;
    this.#vcpu = vcpu;
    this.#pcpusOf = pcpusOf;
    this.#shared = shared;
  }

  /** Opens the counters where the vCPU runs now. Errors: no-branch-counters, and why it has no place. */
  open(): Result<void, Refusal> {
    const place = this.#pcpusOf(this.#subject, this.#vcpu);
    if (!place.ok) return place;
    const joined: Pcpu[] = [];
    for (const pcpu of place.value) {
      const done = this.#shared.join(pcpu);
      if (!done.ok) {
        for (const other of joined) this.#shared.leave(other);
        const vm = nameOf(this.#subject);
        return err({ kind: "no-branch-counters", vm, vcpu: this.#vcpu, pcpu, why: done.error });
      }
      joined.push(pcpu);
    }
    this.#pcpus = joined;
    const start = this.#sum({ branches: 0, misses: 0 });
    if (start !== undefined) {
      this.#base = {
        branches: this.#last.branches - start.branches,
        misses: this.#last.misses - start.misses,
      };
    }
    return ok(undefined);
  }

  read(): Result<BranchSample | undefined, SysfsError> {
    const place = this.#pcpusOf(this.#subject, this.#vcpu);
    if (place.ok && !isSame(place.value, this.#pcpus)) {
      this.close();
      if (!this.open().ok) return this.#gone();
    }
    const sum = this.#sum(this.#base);
    if (sum === undefined) return this.#gone();
    this.#last = sum;
    return ok(sum);
  }

  close(): void {
    for (const pcpu of this.#pcpus) this.#shared.leave(pcpu);
    this.#pcpus = [];
  }

  #sum(base: BranchSample): BranchSample | undefined {
    let { branches, misses } = base;
    if (this.#pcpus.length === 0) return undefined;
    for (const pcpu of this.#pcpus) {
      const counts = this.#shared.read(pcpu);
      if (counts === undefined) return undefined;
      branches += counts.branches;
      misses += counts.misses;
    }
    return { branches, misses };
  }

  #gone(): Result<never, SysfsError> {
    const path = `perf:vm=${nameOf(this.#subject)},vcpu=${this.#vcpu}`;
    return err({ kind: "sysfs", op: "read", path, code: "ENODEV" });
  }
}

/** Asked ten times a second for each vCPU: without making text. */
function isSame(a: readonly Pcpu[], b: readonly Pcpu[]): boolean {
  return a === b || (a.length === b.length && a.every((cpu, at) => cpu === b[at]));
}
