// A VM in text: show, query and limits answer with the same report.

import type { VmReport } from "../../../internal/api/vms.ts";
import { formatCpuList } from "../../../internal/values/cpulist.ts";
import { table } from "../../../internal/output/table.ts";
import { cell, countsText } from "../control.ts";
import { showClocks } from "../dry-run.ts";

/** Returns the whole VM. */
export function showVm(report: VmReport): string {
  const { vm, pid, channels, vcpus, counts } = report;
  const notes = vcpus.flatMap(({ vcpu, pcpus, why, lastRefusal }) => [
    ...(pcpus.length === 0 ? [why ?? `vCPU ${vcpu} has no known pCPU`] : []),
    ...(lastRefusal === undefined
      ? []
      : [`vCPU ${vcpu} was last refused at ${lastRefusal.at}: ${lastRefusal.message}`]),
  ]);
  return [
    `VM ${vm}, ${pid === undefined ? "process unknown" : `process ${pid}`}, channels ${formatCpuList(channels) || "none"}, counts: ${countsText(counts)}`,
    "",
    table([
      ["VCPU", "PCPUS", "SOURCE", "DOMAINS", "WISH kHz", "TARGET kHz"],
      ...vcpus.map(({ vcpu, pcpus, source, domains, wishKhz, targetKhz }) => [
        String(vcpu),
        cell(formatCpuList(pcpus)),
        cell(source),
        cell(formatCpuList(domains)),
        cell(wishKhz),
        cell(targetKhz),
      ]),
    ]),
    ...notes,
    "",
    showSettings(report),
  ].join("\n");
}

/** Returns what the VM may do, and where each value comes from. */
export function showSettings({ settings }: VmReport): string {
  const rows = Object.entries(settings).map(([name, { value, from }]) => [
    SETTINGS[name] ?? name,
    say(name, value),
    from,
  ]);
  return table([["SETTING", "VALUE", "FROM"], ...rows]);
}

/** Returns what a dry run found, a line a setting. */
export function showChanges({ vm, changes = [], clocks = [], warnings = [] }: VmReport): string {
  const lines = changes.map(
    ({ setting, before, after }) =>
      `${vm}: ${SETTINGS[setting] ?? setting} ${say(setting, before.value)} (${before.from}) -> ${say(setting, after.value)} (${after.from})`,
  );
  if (lines.length === 0) lines.push(`${vm}: nothing would change`);
  return [...lines, ...showClocks({ clocks, warnings })].join("\n");
}

const SETTINGS: Readonly<Record<string, string>> = {
  requestsPerSecond: "requests/s",
  leaseS: "lease s",
};

/** What 0 means where it is no number of anything. */
const ZERO: Readonly<Record<string, string>> = { requestsPerSecond: "any", leaseS: "none" };

function say(setting: string, value: unknown): string {
  if (value === 0) return ZERO[setting] ?? "0";
  if (typeof value === "boolean") return value ? "on" : "off";
  return Array.isArray(value) ? value.join(",") || "none" : String(value);
}
