// The CPUs that words in a profile stand for on this machine: from the kernel and the QEMU processes.

import { err, ok, type Result } from "../../values/result.ts";
import type { MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { type CpuSets, readCpuSets } from "./cpu-selector.ts";
import { findRunningVms, pinnedCpus } from "../running-vms.ts";

/**
 * Returns what isolated, vm:NAME and the like mean here. Errors: a sentence.
 * @param known asked first for a VM's CPUs; undefined where it does not know the VM
 * @param served the CPUs of VMs that are known by more than their processes
 */
export function machineSets(
  roots: MachineRoots,
  known: (vm: string) => ReturnType<CpuSets["ofVm"]> | undefined = () => undefined,
  served: CpuSets["pinned"] = () => [],
): Result<CpuSets, string> {
  const online = () => (sets.ok ? sets.value.online : []);
  const ofVm = (name: string) => {
    const told = known(name);
    if (told !== undefined) return told;
    const vm = findRunningVms(roots.procRoot).find((one) => one.vm === name);
    if (!vm) return err(`no QEMU process runs a VM called ${JSON.stringify(name)}`);
    const cpus = pinnedCpus(vm, online());
    return cpus.length > 0
      ? ok(cpus)
      : err(`none of its vCPUs is pinned, or its QEMU runs without -name ${name},debug-threads=on`);
  };
  const pinned = () => [
    ...served(),
    ...findRunningVms(roots.procRoot).flatMap((vm) => pinnedCpus(vm, online())),
  ];
  const sets = readCpuSets(roots.sysfsRoot, ofVm, pinned);
  return sets;
}
