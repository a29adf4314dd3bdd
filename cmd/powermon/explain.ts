// powermon explain: why a CPU's clock is what it is.

import * as v from "valibot";
import { integer } from "../../internal/cli/args.ts";
import type { ClaimReport, ExplainReport } from "../../internal/api/freq.ts";
import { cpusText, formatCpuList, MAX_CPUS } from "../../internal/values/cpulist.ts";
import { askCommand } from "./ask-command.ts";

export default askCommand("explain", {
  meta: {
    name: "explain",
    summary: "tell why a CPU's clock is what it is",
    details:
      "Who shares the clock, every claim on it, which limit clips, who wins, what was written, what the kernel holds, and when and why a request was last refused.",
    examples: ["powermon explain 4", "powermon explain 4 --json"],
  },
  args: { cpu: { type: "positional", valueHint: "CPU", description: "the host's CPU" } },
  means: v.object({ cpu: integer(0, MAX_CPUS - 1) }),
  show: story,
});

function story(report: ExplainReport): string {
  return [
    ...report.why,
    ...(report.why.length > 0 ? [""] : []),
    place(report),
    rangeLine(report),
    ...report.claims.map((claim) => claimLine(claim, isSame(claim, report.winner))),
    ...(report.claims.length === 0 ? ["Nobody claims it."] : []),
    ...report.siblingClaims.map((claim) => `On a sibling's clock: ${claimLine(claim, false)}`),
    ...limits(report),
    ...written(report),
    ...report.lastRefusals.map(
      ({ at, vm, vcpu, message }) => `Refused at ${at} to vCPU ${vcpu} of ${vm}: ${message}`,
    ),
  ].join("\n");
}

function place({ cpu, domain, driver, governor, sharedWith, siblingDomains }: ExplainReport): string {
  const others = sharedWith.filter((other) => other !== cpu);
  const shared = others.length === 0 ? "alone" : `with ${cpusText(others)}`;
  const siblings =
    siblingDomains.length === 0
      ? ""
      : ` It shares cores with domain${siblingDomains.length === 1 ? "" : "s"} ${formatCpuList(siblingDomains)}.`;
  return `CPU ${cpu} is in domain ${domain} ${shared}; driver ${driver}, governor ${governor ?? "unknown"}.${siblings}`;
}

function rangeLine({ minKhz, maxKhz, range = `${minKhz} to ${maxKhz} kHz` }: ExplainReport): string {
  return `It goes from ${range}.`;
}

function claimLine(claim: ClaimReport, wins: boolean): string {
  const { vm, vcpu, by, wishKhz, turbo, clippedKhz } = claim;
  const core = by === "operator" ? "An operator" : "This CPU's FIFO";
  const who = vm === undefined ? core : `${vcpu === undefined ? "" : `vCPU ${vcpu} of `}VM ${vm}`;
  const how = by === "policy" ? " by its policy" : "";
  const clipped = clippedKhz === wishKhz ? "" : `, which its limits make ${clippedKhz} kHz`;
  return `${who}${how} claims ${wishKhz} kHz${turbo ? " with turbo" : ""}${clipped}${wins ? ": it wins" : ""}.`;
}

function isSame(a: ClaimReport, b: ClaimReport | undefined): boolean {
  return b !== undefined && a.by === b.by && a.vm === b.vm && a.vcpu === b.vcpu && a.wishKhz === b.wishKhz;
}

/** Returns whose limits these are, and they; nothing where there are none. */
function boundsOf(whose: string, { floorKhz, ceilingKhz }: ExplainReport["site"]): string[] {
  const bounds = [
    ...(floorKhz === undefined ? [] : [`not below ${floorKhz} kHz`]),
    ...(ceilingKhz === undefined ? [] : [`not above ${ceilingKhz} kHz`]),
  ];
  return bounds.length === 0 ? [] : [`${whose}: ${bounds.join(", ")}.`];
}

function limits({ clippedBy, site, ownLimits, driverLimits, budget }: ExplainReport): string[] {
  return [
    ...boundsOf("The site's limits", site),
    ...boundsOf("Its own limits, as they stood before powermon", ownLimits),
    ...boundsOf("The driver's limits for all CPUs", driverLimits),
    ...(budget === undefined
      ? []
      : [
          `The power budget of ${budget.watts} W: not above ${budget.ceilingKhz} kHz, priority ${budget.priority}.`,
        ]),
    ...(clippedBy === "vm" ? ["The VM's own limits clip the winner."] : []),
    ...(clippedBy === "site" ? ["The site's limits clip the winner."] : []),
    ...(clippedBy === "budget" ? ["The power budget clips the winner."] : []),
  ];
}

function written({ targetKhz, currentKhz, heldMinKhz, heldMaxKhz, lastWrite }: ExplainReport): string[] {
  return [
    targetKhz === undefined
      ? "powermon has set nothing here."
      : `powermon told it ${targetKhz} kHz; the kernel holds ${currentKhz ?? "an unknown frequency"}${currentKhz === undefined ? "" : " kHz"}.`,
    ...(heldMinKhz === undefined
      ? []
      : [`The kernel's limits on it now are ${heldMinKhz} to ${heldMaxKhz} kHz.`]),
    ...(lastWrite === undefined
      ? []
      : lastWrite.error === undefined
        ? [`Last written at ${lastWrite.at}.`]
        : [`The last write, at ${lastWrite.at}, failed: ${lastWrite.error}`]),
  ];
}
