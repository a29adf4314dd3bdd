// Whether what the configuration says of VMs and CPUs meets any: a pin to a CPU that is not there would be refused at night.

import { vmConfig } from "../../../internal/config/effective.ts";
import type { Config } from "../../../internal/config/load.ts";
import { cpusText, formatCpuList } from "../../../internal/values/cpulist.ts";
import type { Cpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { type Finding, note, warning } from "./finding.ts";
import { offlineCpus } from "./machine.ts";

/** Returns what the configuration names and this machine does not have. @param channels channel numbers by VM, as they are now */
export function checkVms(
  config: Config,
  cpufreq: Cpufreq,
  channels: ReadonlyMap<string, readonly number[]>,
): Finding[] {
  const findings: Finding[] = [];
  const offline: readonly number[] = offlineCpus(cpufreq);
  const clocked = new Set<number>(cpufreq.domains.flatMap(({ pcpus }) => pcpus));
  const clockless = (cpus: readonly number[]) =>
    cpus.filter((cpu) => !clocked.has(cpu) && !offline.includes(cpu));
  for (const { cpuList, cpus } of config.limits) {
    const none = clockless(cpus);
    if (none.length === 0) continue;
    const what = `The limit on ${cpusText(cpuList)} names ${cpusText(none)}, which ${none.length === 1 ? "has" : "have"} no cpufreq domain here.`;
    findings.push(warning("limits", what, "Name this machine's CPUs."));
  }
  for (const name of config.vms) {
    const { pins } = vmConfig(config, name);
    for (const [vcpu, cpus] of pins) {
      const asleep = cpus.filter((cpu) => offline.includes(cpu));
      if (asleep.length > 0)
        findings.push(
          note(
            "pins",
            `vCPU ${vcpu} of ${name} is pinned to ${cpusText(asleep)}, which ${asleep.length === 1 ? "is" : "are"} offline.`,
          ),
        );
      const none = clockless(cpus);
      if (none.length === 0) continue;
      const what = `vCPU ${vcpu} of ${name} is pinned to ${cpusText(none)}, which ${none.length === 1 ? "has" : "have"} no cpufreq domain here.`;
      findings.push(warning("pins", what, "Pin it to one of this machine's CPUs."));
    }
    const there = channels.get(name);
    if (there === undefined) {
      const what = `The configuration has a section for VM ${name}${pins.size > 0 ? " with pins" : ""}, and no channel is called ${name}.N.`;
      findings.push(warning("VM", what, "Start that VM, or correct the name."));
      continue;
    }
    const idle = [...pins.keys()].filter((vcpu) => !there.includes(vcpu));
    if (idle.length > 0) {
      const what = `${name} has pins for vCPU ${formatCpuList(idle)}, and no channel ${idle.map((vcpu) => `${name}.${vcpu}`).join(", ")}.`;
      findings.push(warning("pins", what, "Give the VM that channel, or take the pin away."));
    }
  }
  return findings;
}
