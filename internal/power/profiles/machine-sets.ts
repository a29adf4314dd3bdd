// The CPUs that words in a profile stand for on this machine: from the kernel and the QEMU processes.

import { err, ok, type Result } from "../../values/result.ts";
import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { type CpuSets, readCpuSets } from "./cpu-selector.ts";
import { findRunningVms, pinnedCpus } from "../running-vms.ts";

/**
 * Returns what isolated, vm:NAME and the like mean here. Errors: a sentence.
 * @param known asked first for a VM's CPUs; undefined where it does not know the VM
 */
export function machineSets(
  roots: MachineRoots,
  known: (vm: string) => ReturnType<CpuSets["ofVm"]> | undefined = () => undefined,
): Result<CpuSets, string> {
  const sets = readCpuSets(roots.sysfsRoot, (name) => {
    const told = known(name);
    if (told !== undefined) return told;
    const vm = findRunningVms(roots.procRoot).find((one) => one.vm === name);
    if (!vm) return err(`no QEMU process runs a VM called ${JSON.stringify(name)}`);
    const cpus = pinnedCpus(vm, sets.ok ? sets.value.online : []);
    return cpus.length > 0
      ? ok(cpus)
      : err(`none of its vCPUs is pinned, or its QEMU runs without -name ${name},debug-threads=on`);
  });
  return sets;
}
