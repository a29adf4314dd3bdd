// Every knob of the CPUs as it stands: without it a resume would leave clocks where the firmware put them.

import type { DomainId } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { readBoost } from "../../sysfs/cpufreq/boost.ts";
import { idleStatePath, readIdleStates } from "../../sysfs/cpuidle.ts";
import { epbPath, eppPath } from "../../sysfs/energy-bias.ts";
import { listNumbered } from "../../sysfs/numbered.ts";
import { resumeLatencyPath } from "../../sysfs/resume-latency.ts";
import { Topology } from "../../sysfs/topology.ts";
import type { Setting } from "./setting.ts";

/** Reads what every knob of a running CPU says; what can't be read now could not be put back either and is left out. */
export function snapshotKnobs(sysfsRoot: string): Setting[] {
  const cpuRoot = `${sysfsRoot}/devices/system/cpu`;
  const dir = new AttrDir(cpuRoot);
  const found: Setting[] = [];
  const add = (path: string, knob: Setting["knob"]) => {
    const text = dir.read(path);
    if (text.ok && text.value !== undefined) found.push({ path, text: text.value, knob });
  };
  const ids = listNumbered(`${cpuRoot}/cpufreq`, "policy");
  const policies = (ids.ok ? ids.value : []) as DomainId[];
  const switches = readBoost(cpuRoot, policies);
  for (const { path } of switches.ok ? switches.value : []) add(path, "boost");
  for (const id of policies) {
    const at = `cpufreq/policy${id}`;
    const governor = dir.read(`${at}/scaling_governor`);
    add(`${at}/scaling_governor`, "governor");
    add(`${at}/scaling_min_freq`, "floor");
    add(`${at}/scaling_max_freq`, "ceiling");
    if (governor.ok && governor.value === "userspace") add(`${at}/scaling_setspeed`, "speed");
    add(eppPath(id), "epp");
  }
  const online = new Topology(sysfsRoot).online();
  for (const cpu of online.ok ? online.value : []) {
    add(epbPath(cpu), "epb");
    add(resumeLatencyPath(cpu), "latency");
    const states = readIdleStates(cpuRoot, cpu);
    for (const { index } of states.ok ? states.value : [])
      add(`${idleStatePath(cpu, index)}/disable`, "idle state");
  }
  return found;
}
