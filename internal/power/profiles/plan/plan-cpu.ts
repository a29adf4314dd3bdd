// What a profile asks of one CPU beside its clock: EPB, and idle states for a latency in microseconds.

import type { Pcpu } from "../../../values/units.ts";
import { readIdleStates } from "../../../sysfs/cpuidle.ts";
import { readEpb } from "../../../sysfs/energy-bias.ts";
import { formatResumeLatency, readResumeLatency } from "../../../sysfs/resume-latency.ts";
import type { Draft } from "./draft.ts";
import type { HostRule } from "../host-profile.ts";

type CpuKnobs = Pick<HostRule, "epb" | "deepestState" | "latencyUs">;

/** Adds what `knobs` come to on `cpu` to the draft. */
export function planCpu(cpuRoot: string, cpu: Pcpu, knobs: CpuKnobs, draft: Draft): void {
  const where = `CPU ${cpu}`;
  if (knobs.epb !== undefined) {
    const epb = readEpb(cpuRoot, cpu);
    if (!epb.ok) draft.fails("epb", where, epb.error);
    else if (epb.value === undefined)
      draft.lacks("epb", where, "the CPU has no energy and performance bias hint");
    else draft.set({ knob: "epb", cpu }, knobs.epb);
  }
  const { deepestState, latencyUs } = knobs;
  if (deepestState === undefined && latencyUs === undefined) return;
  const states = readIdleStates(cpuRoot, cpu);
  if (!states.ok) return draft.fails("idle state", where, states.error);
  if (states.value.length === 0) {
    const knob = latencyUs === undefined ? "idle state" : "latency";
    return draft.lacks(knob, where, "no cpuidle driver runs: there are no idle states to limit");
  }
  /** Numbers of the states to turn off; the others stay as the operator has them. */
  const off = new Set<number>();
  if (deepestState !== undefined) {
    const [deepest] = deepestState.flatMap((name) => states.value.filter((state) => state.name === name));
    const names = states.value.map((state) => state.name).join(", ");
    if (!deepest) draft.lacks("idle state", where, `it has no ${deepestState.join(" or ")}: it has ${names}`);
    else for (const { index } of states.value) if (index > deepest.index) off.add(index);
  }
  if (latencyUs !== undefined) {
    const limit = readResumeLatency(cpuRoot, cpu);
    if (!limit.ok) draft.fails("latency", where, limit.error);
    else if (limit.value) draft.set({ knob: "latency", cpu }, formatResumeLatency(latencyUs));
    // A kernel without the attribute: the states that take longer are turned off one by one.
    else for (const state of states.value) if (state.latencyUs > latencyUs) off.add(state.index);
  }
  for (const state of off) draft.set({ knob: "idle state", cpu, state }, 1);
}
