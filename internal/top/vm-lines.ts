// VMs as lines: all of them with what they ask, and one alone with each vCPU's place, wish and clock.

import type { VmReport } from "../api/vms.ts";
import { formatCpuList } from "../values/cpulist.ts";
import { ghz, percent } from "./clock-lines.ts";
import type { Glance, GlanceVm } from "./glance.ts";
import { fit } from "./screen.ts";
import type { TopState } from "./state.ts";

/** Returns the VMs that `state` lets through, in its order. */
export function vmRows({ vms }: Glance, { filter, vmSort }: TopState): readonly GlanceVm[] {
  const wanted = filter.toLowerCase();
  const by = {
    name: () => 0,
    requests: (vm: GlanceVm) => -(vm.requestsPerSecond ?? 0),
    refused: (vm: GlanceVm) => -vm.refused,
  }[vmSort];
  const found = vms.filter(({ vm }) => vm.toLowerCase().includes(wanted));
  return found.sort((a, b) => by(a) - by(b) || (a.vm < b.vm ? -1 : 1));
}

export const VM_HEADING = `${fit("VM", 20)} ${fit("CHANNELS", 8)} ${fit("REQ/S", 8, true)} ${fit("REFUSED", 8, true)} ${fit("FAILED", 6, true)} POLICY`;

export function vmLine(vm: GlanceVm): string {
  const cells = [
    fit(vm.vm, 20),
    fit(vm.connected === vm.channels ? String(vm.channels) : `${vm.connected}/${vm.channels}`, 8),
    fit(perSecond(vm.requestsPerSecond), 8, true),
    fit(String(vm.refused), 8, true),
    fit(String(vm.failed), 6, true),
    policyText(vm),
  ];
  return cells.join(" ");
}

const policyText = ({ policy }: GlanceVm) =>
  policy === undefined ? "-" : `${policy.type} (${policy.origin})`;

/** Returns a rate; "-" where it is not known. */
export function perSecond(rate: number | undefined): string {
  return rate === undefined ? "-" : rate >= 100 ? rate.toFixed(0) : rate.toFixed(1);
}

const VCPU_HEADING = `${fit("VCPU", 5)} ${fit("CPUS", 12)} BUSY ${fit("WISHES", 6, true)} ${fit("GETS", 5, true)} ${fit("REAL", 5, true)} WHY NOT, OR THE LAST REFUSAL`;

/** Returns one VM alone: what it asks, its settings, and each vCPU. @param report undefined until it came */
export function oneVmLines(glance: Glance, name: string, report: VmReport | undefined): string[] {
  const row = glance.vms.find(({ vm }) => vm === name);
  if (row === undefined) return [`There is no VM ${JSON.stringify(name)} any more; Esc goes back.`];
  const lines = [
    `VM ${name}: ${row.connected} of ${row.channels} channels connected, ${perSecond(row.requestsPerSecond)} requests/s, ${row.refused} refused, ${row.failed} failed, policy ${policyText(row)}`,
  ];
  if (report?.vm !== name) return lines;
  const { settings, vcpus } = report;
  const bound = (value: number | string) => (typeof value === "number" ? `${ghz(value)} GHz` : value);
  const onOff = (on: boolean) => (on ? "yes" : "no");
  lines.push(
    `floor ${bound(settings.floor.value)}, ceiling ${bound(settings.ceiling.value)}, turbo ${onOff(settings.turbo.value)}, queries ${onOff(settings.queries.value)}, requests/s at most ${settings.requestsPerSecond.value || "any"}`,
    "",
    VCPU_HEADING,
  );
  const busy = new Map(glance.machine.cpus.map((one) => [one.cpu, one.busy]));
  const looks = new Map(glance.machine.clocks.map((one) => [one.domain, one]));
  for (const { vcpu, pcpus, domains, wishKhz, targetKhz, why, lastRefusal } of vcpus) {
    const known = pcpus.map((cpu) => busy.get(cpu)).filter((part) => part !== undefined);
    const cells = [
      fit(String(vcpu), 5),
      fit(pcpus.length === 0 ? "-" : formatCpuList(pcpus), 12),
      fit(percent(known.length === 0 ? undefined : Math.max(...known)), 4, true),
      fit(ghz(wishKhz), 6, true),
      fit(ghz(targetKhz), 5, true),
      fit(ghz(looks.get(domains[0] ?? -1)?.measuredKhz), 5, true),
      why ?? (lastRefusal === undefined ? "" : `${lastRefusal.at.slice(11, 19)} ${lastRefusal.message}`),
    ];
    lines.push(cells.join(" "));
  }
  return lines;
}
