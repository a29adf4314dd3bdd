// powermon budget simulate: what a budget would cost whom, before it does.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { MachineModel } from "../../../internal/budget/machine-model.ts";
import { simulate, type SimulatedVm } from "../../../internal/budget/simulate.ts";
import { parseLoads } from "../../../internal/budget/trace.ts";
import { limitsIn } from "../../../internal/claims/limits.ts";
import { budgetOf } from "../../../internal/config/budget.ts";
import { vmConfig } from "../../../internal/config/effective.ts";
import type { Merged } from "../../../internal/config/merge.ts";
import { type WattsFrom, wattsOver } from "../../../internal/daemon/budget/watts.ts";
import { ownZone } from "../../../internal/os/time-zone.ts";
import { json } from "../../../internal/output/json.ts";
import { Cpufreq, type Domain } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { MAX_WATTS } from "../../../internal/values/meter.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { khz } from "../../../internal/values/units.ts";
import { PRIORITIES, type Priority } from "../../../internal/values/vm-settings.ts";
import { isVmName } from "../../../internal/values/vm-name.ts";
import { failWith } from "../../fail.ts";
import { isoTime, thisMinute, timeOf, traceOf } from "../dry-run-input.ts";
import { absolutePath, ROOT_ARGS } from "../roots.ts";
import { CONFIG_ARG, readConfig } from "./config.ts";
import { budgetLines, showSimulation } from "./text.ts";

const VM = `must be such as web=high:4, a VM, ${PRIORITIES.join(", ")} and its number of CPUs`;

const Args = v.object({
  file: absolutePath,
  budget: v.optional(integer(1, MAX_WATTS)),
  "floor-watts": integer(1, MAX_WATTS),
  "full-watts": integer(1, MAX_WATTS),
  vm: v.array(
    v.pipe(
      v.string(),
      v.rawTransform<string, readonly [string, Priority, number]>(({ dataset, addIssue, NEVER }) => {
        const [, vm = "", word, count] = /^(.+)=(high|normal|low):([1-9]\d{0,3})$/.exec(dataset.value) ?? [];
        const priority = PRIORITIES.find((one) => one === word);
        if (isVmName(vm) && priority !== undefined) return [vm, priority, Number(count)];
        addIssue({ message: VM });
        return NEVER;
      }),
    ),
  ),
  "sysfs-root": absolutePath,
});

export default defineCommand({
  meta: {
    name: "simulate",
    summary: "show what a budget would cost whom over a trace of load, beside RAPL alone",
    details:
      "Writes nothing. TRACE.csv has a heading \"seconds,VM,VM,...\" and a line for each change: the second, and for each VM how much its CPUs are at work, 0 to 1; its last line ends it. Priorities, floors and numbers of CPUs (by pins) are the configuration's, or --vm says them. The windows of [budget] hold as they would from --from on; a trace of 86400 seconds is a day. The clocks are this machine's, or those of --sysfs-root. The power is a model's: idle + c V(f)^2 f for each CPU at work, V rising from 0.6 to 1, which --floor-watts and --full-watts fix: all CPUs at work at the lowest step, and at the highest.",
    examples: [
      "powermon budget simulate --file day.csv --from 2026-11-23T00:00",
      "powermon budget simulate --file day.csv --budget 110 --vm web=high:4 --vm batch=low:12 --json",
    ],
  },
  args: {
    file: { type: "string", required: true, valueHint: "TRACE.csv", description: "the load over time" },
    budget: {
      type: "string",
      valueHint: "WATTS",
      description: "the budget all the time (default the configuration's and its windows)",
    },
    from: {
      type: "string",
      valueHint: "TIME",
      description: "when the trace starts, for the windows, such as 2026-11-23T16:30 (default now)",
    },
    vm: {
      type: "string",
      valueHint: "VM=PRIORITY:CPUS",
      repeatable: true,
      description: "a VM of the trace, its priority and how many CPUs it has (default the configuration's)",
    },
    "floor-watts": {
      type: "string",
      default: "62",
      valueHint: "W",
      description: "what the machine draws with all CPUs at work at the lowest step",
    },
    "full-watts": {
      type: "string",
      default: "180",
      valueHint: "W",
      description: "what it draws with all CPUs at work at the highest step",
    },
    ...CONFIG_ARG,
    "sysfs-root": ROOT_ARGS["sysfs-root"],
    json: { type: "boolean", description: "print one JSON document, with the watts of each second" },
  },
  run({ args, io }): Status {
    const parsed = parseArgs(Args, args);
    const [floorWatts, fullWatts] = [parsed["floor-watts"], parsed["full-watts"]];
    if (fullWatts <= floorWatts) throw new UsageError("--full-watts must be more than --floor-watts.");
    const config = readConfig(args);
    if (parsed.budget !== undefined && args.from !== undefined)
      throw new UsageError(
        "--from says which window holds when, and --budget goes before all of them; leave one out.",
      );
    const says = budgetOf(config.says);
    const zone = says.timeZone ?? ownZone();
    const from = timeOf({ from: args.from }, zone) ?? thisMinute();
    const trace = traceOf("--file", parsed.file, parseLoads);
    const fixed = parsed.budget !== undefined;
    const budgets = fixed ? [{ atS: 0, watts: parsed.budget }] : wattsOver(says, from, trace.seconds);
    if (budgets.every(({ watts }) => watts === undefined))
      throw new UsageError(
        says.windows.length === 0
          ? "--budget must be given: the configuration names no watts in [budget]."
          : `No budget holds in the ${trace.seconds} s from ${isoTime(from, zone)} on: [budget] names watts in windows alone. Give another --from, or --budget.`,
      );
    const cpufreq = new Cpufreq({
      sysfsRoot: parsed["sysfs-root"],
      procRoot: "/proc",
      stateDir: "/nonexistent",
    });
    const scanned = cpufreq.refresh();
    if (!scanned.ok) return failWith({ args, io }, STATUS.failed, [explainSysfs(scanned.error)]);
    const [domain] = cpufreq.domains;
    if (domain === undefined) {
      const why = "This machine has no cpufreq domains; name a tree that has some by --sysfs-root.";
      return failWith({ args, io }, STATUS.unsupported, [why]);
    }
    const there = cpufreq.domains.reduce((sum, { pcpus }) => sum + pcpus.length, 0);
    cpufreq.close();
    const vms = trace.vms.map((vm) => vmOf(vm, parsed.vm, config, domain));
    const cpus = vms.reduce((sum, vm) => sum + vm.cpus, 0);
    if (cpus > there) throw new UsageError(`The VMs have ${cpus} CPUs, and this machine has ${there}.`);
    const { steps } = domain.table;
    const model = new MachineModel({
      ...{ cpus: there, steps, floorWatts, fullWatts, leastVoltage: 0.6, noiseWatts: 0 },
    });
    const found = simulate(
      vms,
      trace.rows,
      trace.seconds,
      { watts: wattsAt(budgets), guard: says.guard },
      model,
    );
    if (args.json) {
      const start = fixed ? {} : { from: isoTime(from, zone), timeZone: zone };
      const [first] = budgets;
      io.out(json({ budgetWatts: first?.watts, budgets, ...start, ...found }));
      return STATUS.done;
    }
    const told = [
      ...budgetLines(budgets, trace.seconds, (atS) => isoTime(from + atS * 1000, zone)),
      `The machine: ${there} CPUs of ${steps.at(-1)} to ${steps[0]} kHz, ${floorWatts} W with all at work at the lowest, ${fullWatts} W at the highest, ${model.idleWatts.toFixed(1)} W idle.`,
    ];
    io.out(showSimulation(told, found));
    return STATUS.done;
  },
});

/** Returns what holds at a second that never goes back. */
function wattsAt(budgets: readonly WattsFrom[]): (atS: number) => number | undefined {
  let now = 0;
  return (atS) => {
    while ((budgets[now + 1]?.atS ?? Infinity) <= atS) now++;
    return budgets[now]?.watts;
  };
}

function vmOf(
  vm: string,
  said: readonly (readonly [string, Priority, number])[],
  config: Merged,
  { table }: Domain,
): SimulatedVm {
  const { priority, pins, floor } = vmConfig(config, vm);
  const own = said.find(([name]) => name === vm);
  const cpus = own?.[2] ?? new Set([...pins.values()].flat()).size;
  if (cpus === 0) {
    throw new UsageError(
      `How many CPUs VM ${JSON.stringify(vm)} has is not known: the configuration has no pins of it. Say it by --vm, such as --vm ${vm}=normal:2.`,
    );
  }
  const least = limitsIn(table, floor, "max").floor ?? table.steps.at(-1) ?? khz(0);
  return { vm, priority: own?.[1] ?? priority, cpus, floor: least };
}
