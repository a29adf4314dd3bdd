// Another configuration, tried on paper: its limits, settings and policies. Where channels are and vCPUs run is as now.

import type { Config } from "../config/load.ts";
import { vmConfig } from "../config/effective.ts";
import { ok } from "../values/result.ts";
import type { Host } from "./host.ts";
import { paperVm } from "./paper-vm.ts";
import { type Foreseen, foresee } from "./rehearsal.ts";
import { siteLimitsOn } from "./site-limits.ts";

/** Returns what follows for the clocks if `config` came into force. */
export function tryConfig(host: Host, config: Config): Foreseen {
  const vms = [...host.channels.vms];
  const seen = foresee(
    host,
    ({ policies, ledger }) => {
      host.setPolicies(policies, config);
      policies.clockChanged();
      for (const { vm } of vms) policies.vmChanged(vm);
      ledger.settle();
      return ok(undefined);
    },
    {
      vms: new Map(vms.map((vm) => [vm.vm, paperVm(vm, host.cpufreq, vmConfig(config, vm.vm))])),
      site: (domain) => siteLimitsOn(domain, config),
    },
  );
  if (!seen.ok) throw new Error(seen.error.message);
  return seen.value;
}
