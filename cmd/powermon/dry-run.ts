// What a dry run says for people, and the flag that asks for one.

import type { ClockChange, DryRunReport } from "../../internal/api/dry-run.ts";
import { cpusText } from "../../internal/values/cpulist.ts";

/** The flag of every command that changes something. */
export const DRY_RUN_ARG = {
  "dry-run": { type: "boolean", description: "tell what would change, and change nothing" },
} as const;

/** Returns what would be another, a line each. */
export function showDryRun({ changes, clocks, warnings }: Omit<DryRunReport, "dryRun">): string {
  const lines = changes.map(
    ({ what, before, after }) => `${what}: ${before ?? "none"} -> ${after ?? "none"}`,
  );
  if (lines.length + clocks.length === 0) lines.push("Nothing would change.");
  return [...lines, ...showClocks({ clocks, warnings })].join("\n");
}

/** Returns what would follow for the clocks, a line each. */
export const showClocks = ({
  clocks,
  warnings,
}: Pick<DryRunReport, "clocks" | "warnings">): readonly string[] => [
  ...clocks.map(
    ({ domain, cpus, before, after }) =>
      `clock ${domain} (${cpusText(cpus)}): ${told(before)} -> ${told(after)}`,
  ),
  ...warnings.map((sentence) => `warning: ${sentence}`),
];

function told({ khz, by, vm, vcpu, clippedBy }: ClockChange["before"]): string {
  if (khz === undefined) return "as the machine's operator had it";
  const whose = vm === undefined ? by : `${by} of vCPU ${vcpu} of VM ${vm}`;
  const cut = clippedBy === undefined ? "" : `, cut by the ${clippedBy === "vm" ? "VM's" : "site's"} limits`;
  return `${khz} kHz${whose === undefined ? "" : ` (${whose}${cut})`}`;
}
