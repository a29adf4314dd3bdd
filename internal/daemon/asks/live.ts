// The whole host at one glance: from memory, and one look at the machine a second however many watch.

import type { LiveDomain, LiveMachine, LiveVm } from "../../api/live.ts";
import type { Handlers } from "../../api/table.ts";
import type { Vm } from "../../channels/vm.ts";
import { highest, lowest } from "../../values/frequency.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import { ok } from "../../values/result.ts";
import type { Host } from "../host.ts";
import type { MachineLook, MachineSample } from "../../power/machine-look.ts";
import type { HostBudget } from "../budget/host-budget.ts";
import { budgetGlance } from "./budget.ts";
import { rangeOf } from "./freq.ts";
import { lastChanges } from "./last-changes.ts";
import { lastRefusals } from "./refusals.ts";
import { uptimeS } from "./status.ts";

/** Refusals told at most, newest first. */
const MAX_REFUSALS = 50;

/** @param hostname the machine's name @param look tells what it does */
export function liveAsks(host: Host, hostname: string, look: MachineLook, budget: HostBudget) {
  return {
    /** Resolves to what a live view shows. */
    async live() {
      const machine = machineReport(await look.look());
      const vms = [...host.channels.vms];
      return ok({
        host: hostname,
        at: new Date().toISOString(),
        uptimeS: uptimeS(),
        budget: budgetGlance(budget),
        domains: host.cpufreq.domains.map((domain) => domainReport(host, domain)),
        vms: vms.map((vm) => vmReport(host, vm)).sort((a, b) => (a.vm < b.vm ? -1 : 1)),
        refusals: lastRefusals(vms, MAX_REFUSALS, () => true),
        changes: lastChanges(host),
        machine,
      });
    },
  } satisfies Pick<Handlers, "live">;
}

function machineReport({ at, busyS, clocks, measures, packages, temperatures }: MachineSample): LiveMachine {
  return {
    at: new Date(at).toISOString(),
    cpus: [...busyS].map(([cpu, s]) => ({ cpu, busyS: s })),
    clocks: [...clocks].map(([domain, clock]) => ({ domain, ...clock })),
    measures,
    packages,
    temperatures,
  };
}

function domainReport({ ledger }: Host, domain: Domain): LiveDomain {
  const decision = ledger.decide(domain);
  const { winner } = decision ?? {};
  const site = ledger.siteLimits(domain);
  const own = winner?.limitsIn(domain.id);
  const range = rangeOf(domain);
  const [minKhz, maxKhz] = [lowest(domain.allowed), highest(domain.allowed, true)];
  const watts = ledger.budget(domain) ?? maxKhz;
  const ceiling = Math.min(own?.ceiling ?? maxKhz, site.ceiling ?? maxKhz, watts);
  return {
    domain: domain.id,
    cpus: domain.pcpus,
    ...range,
    floorKhz: Math.min(ceiling, Math.max(own?.floor ?? minKhz, site.floor ?? minKhz)),
    ceilingKhz: ceiling,
    targetKhz: domain.target,
    claims: ledger.claimsOn(domain.id).length,
    holder: winner && {
      by: winner.claimant.by,
      vm: winner.operator ? undefined : winner.grant.vm,
      vcpu: winner.operator ? undefined : winner.grant.vcpu,
      wishKhz: winner.level.khz,
    },
    clippedBy: decision?.clippedBy,
  };
}

function vmReport(host: Host, vm: Vm): LiveVm {
  const channels = host.channels.of(vm.vm);
  const { done, answered, noted, refused, failed } = vm.meter.outcomes();
  const policy = [...host.policies.list({ vm: vm.vm })].find(({ inForce }) => inForce);
  return {
    vm: vm.vm,
    channels: channels.length,
    connected: channels.filter(({ state }) => state === "connected").length,
    requests: done + answered + noted + refused + failed,
    refused,
    failed,
    policy: policy && { type: policy.policy.rule.type, origin: policy.origin },
  };
}
