// What a profile asks of one clock: governor, limits and EPP, as far as its driver has them.

import type { DomainId, Pcpu } from "../../../values/units.ts";
import { type DomainState, readDomainState } from "../../../sysfs/cpufreq/domain-state.ts";
import { LEFT_ALONE } from "../../../sysfs/calls.ts";
import { takesEpp } from "../../../sysfs/cpufreq/epp.ts";
import { listDomains } from "../../../sysfs/cpufreq/files.ts";
import { pathOf } from "../../../sysfs/attribute.ts";
import type { Hardware } from "../../../sysfs/driver/driver.ts";
import { driverOf } from "../../../sysfs/driver/index.ts";
import { type Draft, movesWith } from "./draft.ts";
import type { HostRule, SettingLevel } from "../host-profile.ts";
import type { LimitAttribute } from "../setting.ts";

export type DomainKnobs = Pick<HostRule, "governor" | "floor" | "ceiling" | "epp">;

/** What a domain has, or will have, that the profile does not ask for. */
export type Standing = Partial<Record<"governor" | "floor" | "ceiling", string | undefined>>;

/** A domain as it is now. */
export interface PlannedDomain extends DomainState {
  /** Its CPUs that are online. */
  readonly cpus: readonly Pcpu[];
  /** What it goes back to before the profile is written: beneath a claim, or before another profile. */
  readonly goesBack: Standing;
}

const nameOf = (id: DomainId): string => `domain ${id}`;

/** Reads every domain with an online CPU; one that can't be read is a problem of the plan. */
export function readDomains(
  cpuRoot: string,
  online: readonly Pcpu[],
  draft: Draft,
  goesBack: (domain: DomainId) => Standing,
): PlannedDomain[] {
  const ids = listDomains(cpuRoot);
  if (!ids.ok) draft.fails("cpufreq", "machine", ids.error);
  const domains: PlannedDomain[] = [];
  for (const id of ids.ok ? ids.value : []) {
    const state = readDomainState(cpuRoot, id);
    if (!state.ok) {
      // A domain whose CPUs are all offline answers EBUSY and can wait; one that hangs is missed where it is asked for.
      if (![LEFT_ALONE, "EBUSY"].includes(state.error.code)) draft.fails("cpufreq", nameOf(id), state.error);
      continue;
    }
    const cpus = state.value.pcpus.filter((cpu) => online.includes(cpu));
    if (cpus.length > 0) domains.push({ ...state.value, cpus, goesBack: goesBack(id) });
  }
  return domains;
}

/** Adds what `knobs` come to on `domain` to the draft: the governor, the limits, and what EPP may then be. */
export function planDomain(domain: PlannedDomain, knobs: DomainKnobs, draft: Draft): void {
  const governor = planGovernor(domain, knobs.governor, draft);
  const { holdsEpp } = driverOf(domain.driver).governors;
  const holder = governor === holdsEpp ? holdsEpp : undefined;
  if (knobs.governor !== undefined && holder !== undefined) draft.holdsEpp.add(domain.id);
  planLimits(domain, knobs, draft);
  planEpp(domain, knobs.epp, holder, draft);
  draft.sideEffects.push(...movesWith(domain.id, domain.governor));
}

/** Returns the governor that there will be. */
function planGovernor(domain: PlannedDomain, wanted: string | undefined, draft: Draft): string | undefined {
  const { id, driver, governors, goesBack } = domain;
  const without = goesBack.governor ?? domain.governor;
  if (wanted === undefined) return without;
  const words = wanted === "dynamic" ? driverOf(driver).governors.dynamic : [wanted];
  const chosen = words.find((word) => governors.includes(word));
  if (chosen !== undefined) draft.set({ knob: "governor", domain: id }, chosen);
  else {
    const has = governors.join(", ");
    draft.lacks("governor", nameOf(id), `driver ${driver} offers no ${wanted}: it has ${has}`);
  }
  return chosen ?? without;
}

function planLimits(domain: PlannedDomain, { floor, ceiling }: DomainKnobs, draft: Draft): void {
  if (floor === undefined && ceiling === undefined) return;
  const { id, min, max, unset, goesBack } = domain;
  const standing = (level: string | undefined, now: number | undefined) =>
    level === undefined ? now : Number(level);
  const floorNow = standing(goesBack.floor, domain.floor) ?? min;
  const ceilingNow = standing(goesBack.ceiling, domain.ceiling) ?? max;
  const low = floor !== undefined ? khzOf(floor, domain) : floorNow <= unset.min ? min : floorNow;
  const high = ceiling !== undefined ? khzOf(ceiling, domain) : ceilingNow >= unset.max ? max : ceilingNow;
  const below = floor !== undefined && low < min;
  const above = low > high || (ceiling !== undefined && high > max);
  if (
    below ||
    (above && !(draft.turboRises && (low <= high || ceiling === "max" || ceiling === undefined)))
  ) {
    const why = `${low}-${high} kHz is no range within ${min}-${max}`;
    return draft.fails("floor and ceiling", nameOf(id), why);
  }
  // The hardware's own end is no limit: it stays where the end is when turbo comes or goes.
  if (floor !== undefined) setLimit({ knob: "floor", domain: id }, low, floor === "min", domain, draft);
  if (ceiling !== undefined)
    setLimit({ knob: "ceiling", domain: id }, high, ceiling === "max", domain, draft);
}

/**
 * Sets a limit, but within the driver's for all CPUs: there a domain's minimum would win over the maximum of all, and its maximum over the
 * minimum of all. Source: drivers/cpufreq/intel_pstate.c, intel_pstate_update_perf_limits.
 */
function setLimit(
  attribute: LimitAttribute,
  asked: number,
  unlimited: boolean,
  { min, max, bounds }: Hardware,
  draft: Draft,
): void {
  const most = bounds.max < max ? bounds.max : Infinity;
  const least = bounds.min > min ? bounds.min : 0;
  const limit = attribute.knob === "floor" ? Math.min(asked, most) : Math.max(asked, least);
  draft.set(attribute, limit, unlimited);
  if (limit !== asked) draft.rounded.push({ path: pathOf(attribute), asked: `${asked}`, held: `${limit}` });
}

function khzOf(level: SettingLevel, hardware: Hardware): number {
  if (level === "min") return hardware.min;
  if (level === "max") return hardware.max;
  if (level !== "base") return level;
  const { steps, nominal } = driverOf(hardware.driver).table(hardware);
  return steps[nominal] ?? hardware.max;
}

function planEpp(
  { id, driver, epp }: PlannedDomain,
  wanted: string | undefined,
  holder: string | undefined,
  draft: Draft,
): void {
  const where = nameOf(id);
  const { eppWords } = driverOf(driver).governors;
  if (!epp.ok) return draft.fails("epp", where, epp.error);
  // It moves with the governor, so it is saved even when nothing is asked of it.
  if (epp.value) draft.sideEffects.push({ knob: "epp", domain: id });
  if (wanted === undefined) return;
  if (!epp.value) draft.lacks("epp", where, `driver ${driver} has no energy_performance_preference`);
  else if (!takesEpp(epp.value, wanted) && !eppWords.includes(wanted))
    draft.lacks("epp", where, `it offers no ${wanted}: it has ${epp.value.choices.join(", ")}`);
  else if (holder !== undefined && wanted !== "performance" && wanted !== "0")
    draft.fails("epp", where, `governor ${holder} holds it at performance (the kernel answers EBUSY)`);
  else draft.set({ knob: "epp", domain: id }, wanted);
}
