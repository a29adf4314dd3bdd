// Why a core runs at what it runs: the question behind half of all support threads.

import { explainSysfs } from "../../values/sysfs-error.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import type { Host } from "../host.ts";
import { claimReport, freqReport, refusalReport } from "./report.ts";

type ClaimView = ReturnType<typeof claimReport>;

/** Refusals told at most, newest first. */
const MAX_REFUSALS = 8;

/** Returns everything that decides a pCPU's clock, and sentences that say what follows from it. */
export function explainCpu(host: Host, cpu: number, domain: Domain) {
  const { ledger, cpufreq } = host;
  const group = cpufreq.group(domain.id).filter((other) => other !== domain);
  const claims = [...ledger.claimsOn(domain.id)].map((claim) => claimReport(claim, domain));
  const siblingClaims = group.flatMap((other) =>
    [...ledger.claimsOn(other.id)].map((claim) => claimReport(claim, other)),
  );
  const decision = ledger.decide(domain);
  const site = host.siteLimits(domain);
  const write = ledger.lastWrite(domain.id);
  const view = {
    ...freqReport(host, cpu, domain),
    sharedWith: domain.pcpus.filter((other) => other !== cpu) as readonly number[],
    siblingPolicies: group.map(({ id }) => id as number),
    claims,
    siblingClaims,
    winner: decision && claimReport(decision.winner, domain),
    clippedBy: decision?.clippedBy,
    site: { floorKhz: site.floor as number | undefined, ceilingKhz: site.ceiling as number | undefined },
    lastRefusals: refusals(host, domain),
    lastWrite: write && {
      at: new Date(write.at).toISOString(),
      khz: write.khz as number | undefined,
      error: write.error && explainSysfs(write.error),
    },
  };
  return { ...view, why: sentences(view, decision?.target) };
}

function refusals(host: Host, domain: Domain) {
  const found: { at: string; vm: string; vcpu: number; message: string }[] = [];
  for (const vm of host.channels.vms) {
    for (const past of vm.refusals) {
      const place = vm.placement(past.vcpu);
      const here = place.kind === "placed" && place.domains.includes(domain.id);
      if (here) found.push({ ...refusalReport(past), vm: vm.vm, vcpu: past.vcpu });
    }
  }
  return found.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, MAX_REFUSALS);
}

interface View {
  readonly cpu: number;
  readonly policy: number;
  readonly governor: string | undefined;
  readonly targetKhz: number | undefined;
  readonly sharedWith: readonly number[];
  readonly claims: readonly ClaimView[];
  readonly siblingClaims: readonly ClaimView[];
  readonly winner: ClaimView | undefined;
  readonly clippedBy: "vm" | "site" | undefined;
  readonly site: { readonly floorKhz: number | undefined; readonly ceilingKhz: number | undefined };
  readonly lastWrite: { readonly error: string | undefined } | undefined;
}

const who = (claim: ClaimView): string =>
  claim.vm === undefined
    ? claim.by === "operator"
      ? "the operator"
      : `its FIFO${claim.by === "policy" ? " (by policy)" : ""}`
    : `vCPU ${claim.vcpu} of VM ${JSON.stringify(claim.vm)}${claim.by === "policy" ? " (by policy)" : ""}`;

function sentences(view: View, decided: number | undefined): string[] {
  const { winner, targetKhz } = view;
  if (winner === undefined) {
    if (view.claims.length > 0)
      return [`The VMs that claim CPU ${view.cpu} are paused: their wishes wait until they run again.`];
    const rule = view.governor === undefined ? "its own settings" : `its governor "${view.governor}"`;
    return [`Nobody claims CPU ${view.cpu}: powermon leaves it to ${rule}.`];
  }
  const why = [
    `CPU ${view.cpu} is set to ${targetKhz ?? "nothing yet,"} kHz because ${who(winner)} wishes ${winner.wishKhz} kHz.`,
  ];
  const others = view.claims.length + view.siblingClaims.length - 1;
  if (winner.by === "operator" && others > 0)
    why.push("While the operator's claim stands, guests' wishes wait; end it with: powermon freq release.");
  else if (others > 0)
    why.push(`It is the highest of ${others + 1} wishes on this clock and its SMT siblings.`);
  if (view.clippedBy === "vm")
    why.push(`The wish was cut to ${winner.clippedKhz} kHz by the VM's floor or ceiling.`);
  if (view.clippedBy === "site")
    why.push(
      `The site's limits (${view.site.floorKhz ?? "no floor"} to ${view.site.ceilingKhz ?? "no ceiling"} kHz) cut it to ${decided} kHz.`,
    );
  if (targetKhz !== undefined && decided !== undefined && targetKhz !== decided) {
    why.push(
      `The kernel's limits as they were before powermon, or its table, made ${targetKhz} kHz of ${decided} kHz.`,
    );
  }
  if (view.sharedWith.length > 0) why.push(`This clock is also that of CPU ${view.sharedWith.join(", ")}.`);
  if (view.lastWrite?.error !== undefined) why.push(`The last write failed: ${view.lastWrite.error}.`);
  return why;
}
