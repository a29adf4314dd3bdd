// The whole host at one glance, from memory alone: cheap enough to be asked every second by whoever watches.

import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import type { Host } from "../host.ts";
import { refusalReport } from "./report.ts";
import type { Vm } from "../../channels/vm.ts";

/** Refusals told at most, newest first. */
const MAX_REFUSALS = 50;

/** Returns what a live view shows. No file is read. */
export function liveReport(host: Host, uptimeS: number) {
  const vms = [...host.channels.vms];
  return {
    at: new Date().toISOString(),
    uptimeS,
    domains: host.cpufreq.domains.map((domain) => domainReport(host, domain)),
    vms: vms.map((vm) => vmReport(host, vm)).sort((a, b) => (a.vm < b.vm ? -1 : 1)),
    refusals: vms
      .flatMap((vm) =>
        [...vm.refusals].map((past) => ({ ...refusalReport(past), vm: vm.vm, vcpu: past.vcpu })),
      )
      .sort((a, b) => (a.at < b.at ? 1 : -1))
      .slice(0, MAX_REFUSALS),
  };
}

function domainReport({ ledger }: Host, domain: Domain) {
  const decision = ledger.decide(domain);
  const { winner } = decision ?? {};
  const site = ledger.siteLimits(domain);
  const own = winner?.limitsIn(domain.id);
  const lowest = domain.table.steps.at(-1) as number;
  const highest = domain.table.steps[0] as number;
  const ceiling = Math.min(own?.ceiling ?? highest, site.ceiling ?? highest);
  return {
    policy: domain.id as number,
    cpus: domain.pcpus as readonly number[],
    minKhz: lowest,
    nominalKhz: domain.table.steps[domain.table.nominal] as number,
    maxKhz: highest,
    floorKhz: Math.min(ceiling, Math.max(own?.floor ?? lowest, site.floor ?? lowest)),
    ceilingKhz: ceiling,
    targetKhz: domain.target as number | undefined,
    claims: ledger.claimsOn(domain.id).length,
    holder: winner && {
      by: winner.claimant.by,
      vm: winner.operator ? undefined : winner.grant.vm,
      vcpu: winner.operator ? undefined : (winner.grant.vcpu as number),
      wishKhz: winner.level.khz as number,
    },
    clippedBy: decision?.clippedBy,
  };
}

function vmReport(host: Host, vm: Vm) {
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
