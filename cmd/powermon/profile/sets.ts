// The CPUs that words in a profile stand for on this machine: read once per command, from the kernel and the QEMU processes.

import { UsageError } from "../../../internal/cli/usage-error.ts";
import { type CpuSets, readCpuSets, selectCpus } from "../../../internal/power/cpu-selector.ts";
import { findRunningVms, pinnedCpus } from "../../../internal/power/running-vms.ts";
import { err, ok, type Result } from "../../../internal/result.ts";
import type { Pcpu } from "../../../internal/units.ts";

/** Returns what isolated, vm:NAME and the like mean here. Errors: a sentence. */
export function cpuSetsOf(roots: {
  readonly sysfsRoot: string;
  readonly procRoot: string;
}): Result<CpuSets, string> {
  const sets = readCpuSets(roots.sysfsRoot, (name) => {
    const vm = findRunningVms(roots.procRoot).find((one) => one.vm === name);
    if (!vm) return err(`no QEMU process runs a VM called ${JSON.stringify(name)}`);
    const cpus = pinnedCpus(vm, sets.ok ? sets.value.online : []);
    return cpus.length > 0
      ? ok(cpus)
      : err(`none of its vCPUs is pinned, or its QEMU runs without -name ${name},debug-threads=on`);
  });
  return sets;
}

/** Returns the CPUs that --cpus names. Errors: UsageError. */
export function cpusNamed(text: string, sets: CpuSets): readonly Pcpu[] {
  const cpus = selectCpus(text, sets);
  if (!cpus.ok) throw new UsageError(`--cpus: ${cpus.error}.`);
  if (cpus.value.length === 0) throw new UsageError(`--cpus: no CPU of this machine is ${text}.`);
  return cpus.value;
}
