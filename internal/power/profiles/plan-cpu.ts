// What a profile asks of one CPU beside its clock: without it a latency in microseconds would mean nothing to a kernel of states.

import type { Pcpu } from "../../values/units.ts";
import { idleStatePath, readIdleStates } from "../../sysfs/cpuidle.ts";
import { epbPath, readEpb } from "../../sysfs/energy-bias.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { formatResumeLatency, readResumeLatency, resumeLatencyPath } from "../../sysfs/resume-latency.ts";
import type { HostRule } from "./host-profile.ts";
import type { Draft } from "./plan.ts";

export type CpuKnobs = Pick<HostRule, "epb" | "deepestState" | "latencyUs">;

/** Adds what `knobs` come to on `cpu` to the draft. */
export function planCpu(cpuRoot: string, cpu: Pcpu, knobs: CpuKnobs, draft: Draft): void {
  const where = `CPU ${cpu}`;
  if (knobs.epb !== undefined) {
    const epb = readEpb(cpuRoot, cpu);
    if (!epb.ok) draft.problems.push({ knob: "epb", where, why: explainSysfs(epb.error) });
    else if (epb.value === undefined)
      draft.lacking.push({ knob: "epb", where, why: "it has no energy and performance bias hint" });
    else draft.settings.push({ path: epbPath(cpu), text: `${knobs.epb}`, knob: "epb" });
  }
  if (knobs.deepestState === undefined && knobs.latencyUs === undefined) return;
  const states = readIdleStates(cpuRoot, cpu);
  if (!states.ok) {
    draft.problems.push({ knob: "idle state", where, why: explainSysfs(states.error) });
    return;
  }
  if (states.value.length === 0) {
    const knob = knobs.latencyUs === undefined ? "idle state" : "latency";
    draft.lacking.push({ knob, where, why: "no cpuidle driver runs: there are no idle states to limit" });
    return;
  }
  /** Numbers of the states to turn off; the others stay as the operator has them. */
  const off = new Set<number>();
  if (knobs.deepestState !== undefined) {
    const deepest = states.value.find((state) => state.name === knobs.deepestState);
    if (!deepest) {
      const names = states.value.map((state) => state.name).join(", ");
      draft.lacking.push({
        knob: "idle state",
        where,
        why: `it has no ${knobs.deepestState}: it has ${names}`,
      });
    } else for (const { index } of states.value) if (index > deepest.index) off.add(index);
  }
  if (knobs.latencyUs !== undefined) {
    const limit = readResumeLatency(cpuRoot, cpu);
    if (!limit.ok) draft.problems.push({ knob: "latency", where, why: explainSysfs(limit.error) });
    else if (limit.value)
      draft.settings.push({
        path: resumeLatencyPath(cpu),
        text: formatResumeLatency(knobs.latencyUs),
        knob: "latency",
      });
    // A kernel without the attribute: the states that take longer are turned off one by one.
    else for (const { index, latencyUs } of states.value) if (latencyUs > knobs.latencyUs) off.add(index);
  }
  for (const index of off)
    draft.settings.push({ path: `${idleStatePath(cpu, index)}/disable`, text: "1", knob: "idle state" });
}
