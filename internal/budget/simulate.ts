// A budget tried on a trace of loads and a machine in numbers, beside what RAPL's own limit would do: nothing is read or written.

import { type Khz, khz } from "../values/units.ts";
import { PRIORITIES, type Priority } from "../values/vm-settings.ts";
import type { BudgetClock } from "./clock.ts";
import { BudgetLoop, LOOK_MS } from "./loop.ts";
import type { MachineModel } from "./machine-model.ts";
import { ceilingsAt } from "./payers.ts";

/** A VM of the dry run, each CPU with a clock of its own. */
export interface SimulatedVm {
  readonly vm: string;
  readonly priority: Priority;
  readonly cpus: number;
  /** kHz; its CPUs never go below. */
  readonly floor: Khz;
}

/** From this second on the VMs' CPUs are at work so much, 0 to 1, in the VMs' order. */
export interface TraceRow {
  readonly atS: number;
  readonly busy: readonly number[];
}

export interface SimulatedBudget {
  /** In force at a second since the start, W; undefined for none. */
  readonly watts: (atS: number) => number | undefined;
  /** How far under it is aimed, a share of it. */
  readonly guard: number;
  /** What the loop is told of the machine's slope, see BudgetLoop; nothing unless given. */
  readonly guess?: number;
  /** How much of the load the loop sees, a share of it; all unless given. */
  readonly sees?: number;
}

/** What a VM had of it. */
interface VmShare {
  readonly vm: string;
  readonly priority: Priority;
  /** The share of the clock cycles that it wished while at work, 0 to 1. */
  readonly kept: number;
  /** Seconds under a ceiling that cost it something. */
  readonly paidS: number;
}

/** One way to hold the budget. */
export interface Outcome {
  readonly meanWatts: number;
  readonly mostWatts: number;
  /** Seconds over the budget by more than 2 %. */
  readonly overS: number;
  /** Joules drawn beyond the budget. */
  readonly overJoules: number;
  readonly vms: readonly VmShare[];
}

export interface Simulation {
  readonly seconds: number;
  readonly budget: Outcome;
  /** Every core cut alike, the fastest first. */
  readonly raplAlone: Outcome;
  /** Ceilings written, by clock and second. */
  readonly writesPerClockSecond: number;
  /** Once a second: the time, what was drawn in it, how far the watts went. */
  readonly rows: readonly { readonly atS: number; readonly watts: number; readonly reach: number }[];
}

const TICK_MS = 250;

/** Runs the daemon's own loop over a trace. @param trace by time, the first at 0 @param seconds how long */
export function simulate(
  vms: readonly SimulatedVm[],
  trace: readonly TraceRow[],
  seconds: number,
  budget: SimulatedBudget,
  model: MachineModel,
): Simulation {
  const steps = [...model.options.steps].sort((a, b) => b - a).map(khz);
  const top = steps[0] ?? khz(0);
  const owners = vms.flatMap((vm, index) => Array.from({ length: vm.cpus }, () => ({ vm, index })));
  const clocks = owners.map(({ vm }, id) => ({ id, ...vm, steps, cpus: 1, wish: top }));
  let loop = new BudgetLoop(budget.guess);
  const tally = { budget: new Tally(vms), rapl: new Tally(vms) };
  const rows: { atS: number; watts: number; reach: number }[] = [];
  let ceilings: ReadonlyMap<number, Khz> = new Map();
  let writes = 0;
  let row = 0;
  let looked = { at: 0, joules: 0, due: LOOK_MS };
  let second = 0;
  for (let now = 0; now < seconds * 1000; now += TICK_MS) {
    while ((trace[row + 1]?.atS ?? Infinity) * 1000 <= now) row++;
    const busyOf = (index: number) => trace[row]?.busy[index] ?? 0;
    const limit = budget.watts(now / 1000);
    const at = (ceiling: (id: number) => number) =>
      owners.map(({ index }, id) => ({ khz: Math.min(top, ceiling(id)), busy: busyOf(index), index }));
    const ours = at((id) => ceilings.get(id) ?? top);
    const watts = model.watts(ours) + model.noise(TICK_MS);
    tally.budget.add(TICK_MS, watts, limit, ours, top);
    const raplTop = commonCeiling(steps, limit, (cap) => model.watts(at(() => cap)));
    const rapl = at(() => raplTop);
    tally.rapl.add(TICK_MS, model.watts(rapl), limit, rapl, top);
    looked.joules += (watts * TICK_MS) / 1000;
    second += watts / (1000 / TICK_MS);
    const then = now + TICK_MS;
    if (then % 1000 === 0) {
      rows.push({ atS: then / 1000, watts: second, reach: loop.reach });
      second = 0;
    }
    if (then < looked.due) continue;
    const took = then - looked.at;
    if (limit === undefined) {
      // As the daemon: where no budget holds nobody pays, and the next one begins anew.
      loop = new BudgetLoop(budget.guess);
      writes += ceilings.size;
      ceilings = new Map();
      looked = { at: then, joules: 0, due: then + LOOK_MS };
      continue;
    }
    const seen: BudgetClock[] = clocks.map((clock, id) => ({
      ...clock,
      busy: busyOf(owners[id]?.index ?? 0) * (budget.sees ?? 1),
    }));
    const look = loop.look((looked.joules * 1000) / took, took, seen, limit, budget.guard);
    looked = { at: then, joules: 0, due: then + look.nextMs };
    if (!look.moved) continue;
    const next = ceilingsAt(seen, look.reach);
    for (const { id } of clocks) if (next.get(id) !== ceilings.get(id)) writes++;
    ceilings = next;
  }
  return {
    seconds,
    budget: tally.budget.outcome(),
    raplAlone: tally.rapl.outcome(),
    writesPerClockSecond: writes / Math.max(1, clocks.length) / seconds,
    rows,
  };
}

/** Returns the highest step that all may run at: the fastest are throttled first, whoever they are. */
function commonCeiling(steps: readonly Khz[], limit: number | undefined, wattsAt: (cap: Khz) => number): Khz {
  return steps.find((cap) => limit === undefined || wattsAt(cap) <= limit) ?? (steps.at(-1) as Khz);
}

class Tally {
  readonly #vms: readonly SimulatedVm[];
  readonly #wished: number[];
  readonly #had: number[];
  readonly #paidMs: number[];
  #ms = 0;
  #joules = 0;
  #overMs = 0;
  #overJoules = 0;
  #most = 0;

  constructor(vms: readonly SimulatedVm[]) {
    this.#vms = vms;
    this.#wished = vms.map(() => 0);
    this.#had = vms.map(() => 0);
    this.#paidMs = vms.map(() => 0);
  }

  add(
    ms: number,
    watts: number,
    limit = Infinity,
    cpus: readonly { readonly khz: number; readonly busy: number; readonly index: number }[],
    top: number,
  ): void {
    this.#ms += ms;
    this.#joules += (watts * ms) / 1000;
    this.#most = Math.max(this.#most, watts);
    if (watts > limit * 1.02) this.#overMs += ms;
    this.#overJoules += (Math.max(0, watts - limit) * ms) / 1000;
    const paid = new Set<number>();
    for (const { khz: ran, busy, index } of cpus) {
      this.#wished[index] = (this.#wished[index] ?? 0) + top * busy;
      this.#had[index] = (this.#had[index] ?? 0) + ran * busy;
      if (ran < top && busy > 0) paid.add(index);
    }
    for (const index of paid) this.#paidMs[index] = (this.#paidMs[index] ?? 0) + ms;
  }

  outcome(): Outcome {
    const vms = this.#vms.map(({ vm, priority }, index) => ({
      vm,
      priority,
      kept: (this.#wished[index] ?? 0) > 0 ? (this.#had[index] ?? 0) / (this.#wished[index] ?? 1) : 1,
      paidS: (this.#paidMs[index] ?? 0) / 1000,
    }));
    vms.sort((a, b) => PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority));
    return {
      meanWatts: this.#ms === 0 ? 0 : (this.#joules * 1000) / this.#ms,
      mostWatts: this.#most,
      overS: this.#overMs / 1000,
      overJoules: this.#overJoules,
      vms,
    };
  }
}
