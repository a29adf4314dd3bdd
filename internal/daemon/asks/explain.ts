// Why a core runs at what it runs: the question behind half of all support threads.

import { dirname } from "node:path";
import { clip } from "../../claims/arbitrate.ts";
import type { Claim } from "../../claims/claim.ts";
import type { ClaimReport, ExplainReport } from "../../api/freq.ts";
import type { Handlers } from "../../api/table.ts";
import { clockRange } from "../../power/capabilities/clock-range.ts";
import { readBoost } from "../../sysfs/cpufreq/boost.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import { readHardware } from "../../sysfs/cpufreq/domain-state.ts";
import { cpusText } from "../../values/cpulist.ts";
import { highest } from "../../values/frequency.ts";
import { ok } from "../../values/result.ts";
import { pcpu } from "../../values/units.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import type { Host } from "../host.ts";
import type { HostBudget } from "../budget/host-budget.ts";
import { domainsOf, freqReport } from "./freq.ts";
import { lastRefusals } from "./refusals.ts";

/** Refusals told at most, newest first. */
const MAX_REFUSALS = 8;

export function explainAsks(host: Host, budget: HostBudget) {
  return {
    explain({ cpu }) {
      const found = domainsOf(host, [cpu]);
      if (!found.ok) return found;
      const [, domain] = found.value[0] as (typeof found.value)[number];
      return ok(explainCpu(host, cpu, domain, budget.ceilingOn(domain.id)));
    },
  } satisfies Pick<Handlers, "explain">;
}

/** Returns everything that decides a pCPU's clock, and sentences that say what follows from it. */
function explainCpu(host: Host, cpu: number, domain: Domain, budget: ExplainReport["budget"]): ExplainReport {
  const { ledger, cpufreq } = host;
  // What nobody claims may have been set since it was looked at.
  if (domain.target === undefined) domain.reread();
  const group = cpufreq.group(domain.id).filter((other) => other !== domain);
  const claims = [...ledger.claimsOn(domain.id)].map((claim) => claimReport(claim, domain));
  const siblingClaims = group.flatMap((other) =>
    [...ledger.claimsOn(other.id)].map((claim) => claimReport(claim, other)),
  );
  const decision = ledger.decide(domain);
  const site = host.siteLimits(domain);
  const write = ledger.lastWrite(domain.id);
  const online = cpufreq.topology.online();
  const held = domain.held();
  const view = {
    ...freqReport(host, cpu, domain),
    range: rangeOf(domain),
    sharedWith: domain.pcpus.filter((other) => other !== cpu),
    siblingDomains: group.map(({ id }) => id),
    claims,
    siblingClaims,
    winner: decision && claimReport(decision.winner, domain),
    clippedBy: decision?.clippedBy,
    site: { floorKhz: site.floor, ceilingKhz: site.ceiling },
    ownLimits: endsOf(domain.limits.own),
    driverLimits: endsOf(domain.limits.driver),
    budget,
    online: !online.ok || online.value.includes(pcpu(cpu)),
    heldMinKhz: held.ok ? held.value.min : undefined,
    heldMaxKhz: held.ok ? held.value.max : undefined,
    lastRefusals: lastRefusals(host.channels.vms, MAX_REFUSALS, (vm, vcpu) => {
      const place = vm.placement(vcpu);
      return place.kind === "placed" && place.domains.includes(domain.id);
    }),
    lastWrite: write && {
      at: new Date(write.at).toISOString(),
      khz: write.khz,
      error: write.error && explainSysfs(write.error),
    },
  };
  const offline = view.online ? [] : [`CPU ${cpu} is offline: claims on it wait until it is back.`];
  return { ...view, why: [...offline, ...sentences(view, decision?.target)] };
}

/** Returns the range of a domain's clock in words; undefined while it can't be read. */
function rangeOf({ id, dir }: Domain): string | undefined {
  const cpuRoot = dirname(dirname(dir));
  const [found, switches] = [readHardware(cpuRoot, id), readBoost(cpuRoot, [id])];
  return found.ok ? clockRange(found.value, switches.ok && switches.value.length > 0) : undefined;
}

const endsOf = ({ min, max }: { readonly min?: number; readonly max?: number }) => ({
  floorKhz: min,
  ceilingKhz: max,
});

/** Returns a claim and what its VM's limits leave of it on `domain`. */
function claimReport(claim: Claim, domain: Domain): ClaimReport {
  const { vm, vcpu } = claim.grant;
  return {
    by: claim.claimant.by,
    vm: vm === "" ? undefined : vm,
    vcpu: vm === "" ? undefined : vcpu,
    wishKhz: claim.level.khz,
    turbo: claim.level.khz > highest(domain.table, false),
    clippedKhz: clip(claim.level.khz, claim.limitsIn(domain.id)),
  };
}

const who = (claim: ClaimReport): string =>
  claim.vm === undefined
    ? claim.by === "operator"
      ? "the operator"
      : `its FIFO${claim.by === "policy" ? " (by policy)" : ""}`
    : `vCPU ${claim.vcpu} of VM ${JSON.stringify(claim.vm)}${claim.by === "policy" ? " (by policy)" : ""}`;

/** Such as "ceiling 1.2 GHz: budget 110 W, priority low". */
function ceilingText({
  ceilingKhz,
  watts,
  priority,
  meterLost,
}: NonNullable<ExplainReport["budget"]>): string {
  const why =
    meterLost === undefined ? `budget ${watts} W` : `budget ${watts} W without its meter (${meterLost})`;
  return `ceiling ${ceilingKhz / 1e6} GHz: ${why}, priority ${priority}`;
}

function sentences(view: Omit<ExplainReport, "why">, decided: number | undefined): string[] {
  const { winner, targetKhz } = view;
  if (winner === undefined) {
    if (view.claims.length > 0)
      return [`The VMs that claim CPU ${view.cpu} are paused: their wishes wait until they run again.`];
    const rule = view.governor === undefined ? "its own settings" : `its governor "${view.governor}"`;
    return [
      `Nobody claims CPU ${view.cpu}: powermon leaves it to ${rule}.`,
      ...(view.budget === undefined ? [] : [`It may not go above its ${ceilingText(view.budget)}.`]),
    ];
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
  if (view.clippedBy === "budget" && view.budget !== undefined)
    why.push(
      `The wish was cut to its ${ceilingText(view.budget)}. The wish stands, and counts again when there is room.`,
    );
  if (targetKhz !== undefined && decided !== undefined && targetKhz !== decided) {
    const { ceilingKhz, floorKhz } = view.driverLimits;
    const byDriver = targetKhz < decided ? ceilingKhz : floorKhz;
    why.push(
      byDriver === undefined || (targetKhz < decided ? targetKhz > byDriver : targetKhz < byDriver)
        ? `The kernel's limits as they were before powermon, or its table, made ${targetKhz} kHz of ${decided} kHz.`
        : `The driver's limit for all CPUs, ${byDriver} kHz, made ${targetKhz} kHz of ${decided} kHz.`,
    );
  }
  if (view.sharedWith.length > 0) why.push(`This clock is also that of ${cpusText(view.sharedWith)}.`);
  if (view.lastWrite?.error !== undefined) why.push(`The last write failed: ${view.lastWrite.error}.`);
  return why;
}
