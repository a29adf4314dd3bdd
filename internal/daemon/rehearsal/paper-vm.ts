// A VM as it would be: with other settings, or with vCPUs elsewhere; all else is the VM's own.

import { authorizeVcpu, type Placement } from "../../claims/authorize.ts";
import { limitsIn } from "../../claims/limits.ts";
import { countVcpus } from "../../channels/count-vcpus.ts";
import type { Vm } from "../../channels/vm.ts";
import type { VmConfig } from "../../config/effective.ts";
import type { PolicyVm } from "../../rules/ledger-desk.ts";
import type { Cpufreq } from "../../sysfs/cpufreq/cpufreq.ts";

/** Returns `vm` with other settings. @param placeOf where its vCPUs run; as now unless given */
export function paperVm(
  vm: Vm,
  cpufreq: Cpufreq,
  { queries, turbo, commands, floor, ceiling }: VmConfig,
  placeOf?: (vcpu: number) => Placement,
): PolicyVm {
  return {
    vm: vm.vm,
    wireName: vm.wireName,
    queries,
    turbo,
    commands,
    granted: (vcpu) => (placeOf === undefined ? vm.granted(vcpu) : authorizeVcpu(vm.vm, vcpu, placeOf(vcpu))),
    knownVcpus: () => (placeOf === undefined ? vm.knownVcpus() : countVcpus(placeOf)),
    limitsIn(id) {
      const domain = cpufreq.domainById(id);
      return domain === undefined ? {} : limitsIn(domain.table, floor, ceiling, turbo);
    },
  };
}
