// A VM as it would be: with other settings, or with one of its vCPUs elsewhere; all else is the VM's own.

import { authorizeVcpu, type Grant } from "../claims/authorize.ts";
import { limitsIn } from "../claims/limits.ts";
import type { Vm } from "../channels/vm.ts";
import type { VmConfig } from "../config/effective.ts";
import type { PolicyVm } from "../rules/ledger-desk.ts";
import type { Cpufreq } from "../sysfs/cpufreq/cpufreq.ts";
import type { Refusal } from "../values/refusal.ts";
import type { Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";

/** One vCPU's CPUs. */
interface Elsewhere {
  readonly vcpu: number;
  readonly pcpus: readonly Pcpu[];
}

/** Returns `vm` with other settings, and with a vCPU on other CPUs where one is named. Its settings say nothing of pins. */
export function paperVm(
  vm: Vm,
  cpufreq: Cpufreq,
  settings: VmConfig = vm.settings,
  elsewhere?: Elsewhere,
): PolicyVm {
  const { queries, turbo, commands, floor, ceiling } = settings;
  const moved: Result<Grant, Refusal> | undefined =
    elsewhere && authorizeVcpu(vm.vm, elsewhere.vcpu, vm.placeOn(elsewhere.pcpus));
  return {
    vm: vm.vm,
    wireName: vm.wireName,
    queries,
    turbo,
    commands,
    granted: (vcpu) => (moved !== undefined && vcpu === elsewhere?.vcpu ? moved : vm.granted(vcpu)),
    knownVcpus: () => vm.knownVcpus(),
    limitsIn(id) {
      const domain = cpufreq.domainById(id);
      return domain === undefined ? {} : limitsIn(domain.table, floor, ceiling, turbo);
    },
  };
}
