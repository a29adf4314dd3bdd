// Every knob of the CPUs as it stands, to be put back after a sleep.

import type { Attribute } from "../../sysfs/attribute.ts";
import { readBoost } from "../../sysfs/cpufreq/boost.ts";
import { domainDir, FILE, listDomains } from "../../sysfs/cpufreq/files.ts";
import { cpuRootOf } from "../../sysfs/cpufreq/originals.ts";
import { readIdleStates } from "../../sysfs/cpuidle.ts";
import { Topology } from "../../sysfs/topology.ts";
import { movesWith } from "./plan/draft.ts";
import { readSetting, type Setting } from "./setting.ts";

/** Reads what every knob of a running CPU says; what can't be read now could not be put back either and is left out. */
export function snapshotKnobs(sysfsRoot: string): Setting[] {
  const cpuRoot = cpuRootOf({ sysfsRoot });
  const ids = listDomains(cpuRoot);
  const domains = ids.ok ? ids.value : [];
  const switches = readBoost(cpuRoot, domains);
  const attributes: Attribute[] = (switches.ok ? switches.value : []).map(({ attribute }) => attribute);
  for (const domain of domains)
    attributes.push(...movesWith(domain, domainDir(cpuRoot, domain).peek(FILE.governor)), {
      knob: "epp",
      domain,
    });
  attributes.push({ knob: "platform profile" }, { knob: "halt poll" });
  const online = new Topology(sysfsRoot).online();
  for (const cpu of online.ok ? online.value : []) {
    attributes.push({ knob: "epb", cpu }, { knob: "latency", cpu });
    const states = readIdleStates(cpuRoot, cpu);
    for (const { index } of states.ok ? states.value : [])
      attributes.push({ knob: "idle state", cpu, state: index });
  }
  return attributes.flatMap((attribute) => {
    const found = readSetting(cpuRoot, attribute);
    return found.ok ? [found.value] : [];
  });
}
