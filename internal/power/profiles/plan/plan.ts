// From a profile to attributes of this machine, all judged before any is written.

import { cpusText } from "../../../values/cpulist.ts";
import type { DomainId, Pcpu } from "../../../values/units.ts";
import type { Attribute } from "../../../sysfs/attribute.ts";
import { isClockAlone, LEFT_ALONE } from "../../../sysfs/calls.ts";
import { readBoost } from "../../../sysfs/cpufreq/boost.ts";
import { PSTATE_MODES, type PstateMode, readPstateMode } from "../../../sysfs/driver/pstate-mode.ts";
import { readPlatform } from "../../../sysfs/platform.ts";
import { type CpuSets, selectCpus } from "../cpu-selector.ts";
import { Draft } from "./draft.ts";
import type { HostProfile, HostRule } from "../host-profile.ts";
import { planCpu } from "./plan-cpu.ts";
import {
  type DomainKnobs,
  planDomain,
  type PlannedDomain,
  readDomains,
  type Standing,
} from "./plan-domain.ts";
import { planIrq } from "./plan-irq.ts";
import { planUncore } from "./plan-uncore.ts";

/** What applying a profile comes to. */
export interface Plan extends Pick<
  Draft,
  "settings" | "sideEffects" | "holdsEpp" | "turboRises" | "rounded" | "lacking" | "problems"
> {
  /** For the whole machine, by /dev/cpu_dma_latency. */
  readonly latencyUs?: number | undefined;
}

type Knobs = Omit<HostRule, "cpus">;

/** What a plan is made for. */
export interface PlanOptions {
  /** CPUs it is limited to; knobs of the whole machine are then left alone. */
  readonly only?: readonly Pcpu[] | undefined;
  /** Whether somebody holds /dev/cpu_dma_latency: only a program that stays can. */
  readonly canHold?: boolean;
  /** What a domain goes back to before the plan is carried out, as far as it goes back. */
  readonly goesBack?: (domain: DomainId) => Standing;
  /** Whether turbo has been switched already, or moves beside the plan; by default it is the plan's to switch. */
  readonly turbo?: "done" | "moves" | undefined;
  /** Whether lists of CPUs may name some that are not online. */
  readonly offline?: "pass" | undefined;
  /** What an attribute had before the profile in force; undefined where that did not touch it. */
  readonly original?: (attribute: Attribute) => string | undefined;
}

const PARTLY = "it is the whole machine's, and only some CPUs were asked for";

/** Returns what `profile` comes to on this machine. Reads only. */
export function planProfile(
  cpuRoot: string,
  profile: HostProfile,
  sets: CpuSets,
  {
    only,
    canHold = false,
    goesBack = () => ({}),
    turbo,
    offline,
    original = () => undefined,
  }: PlanOptions = {},
): Plan {
  const draft = new Draft();
  const wanted = knobsByCpu(profile, sets, only, offline, draft);
  // Every clock is read for those that are set, or that turbo moves.
  const clocks = profile.rules.length > 0 || profile.boost !== undefined;
  const domains = clocks ? readDomains(cpuRoot, sets.online, draft, goesBack) : [];
  planMachine(cpuRoot, profile, domains, sets, only !== undefined, draft);
  if (profile.irq !== undefined && only !== undefined) draft.lacks("irq", "machine", PARTLY);
  else if (profile.irq !== undefined) planIrq(cpuRoot, sets, original, draft);
  draft.turboRises = turbo === "moves" || (draft.turboRises && turbo !== "done");
  for (const domain of domains) {
    const knobs = knobsOf(domain, wanted, draft);
    if (knobs) planDomain(domain, knobs, draft);
  }
  const uncovered = [...wanted]
    .filter(([cpu, knobs]) => asksClock(knobs) && !domains.some(({ cpus }) => cpus.includes(cpu)))
    .map(([cpu]) => cpu);
  const hung = uncovered.filter((cpu) => isClockAlone(cpuRoot, cpu));
  const bare = uncovered.filter((cpu) => !hung.includes(cpu));
  for (const [cpus, why] of [
    [hung, `the clock of ${cpusText(hung)} is ${LEFT_ALONE}: \`powermon freq retry\` tries it again`],
    [bare, "there is no cpufreq domain: no driver runs"],
  ] as const)
    if (cpus.length > 0) draft.lacks("governor, floor, ceiling, epp", cpusText(cpus), why);
  for (const [cpu, knobs] of wanted) planCpu(cpuRoot, cpu, knobs, draft);
  const { latencyUs } = profile;
  const held = only === undefined && canHold;
  if (latencyUs !== undefined && !held)
    draft.lacks(
      "latency",
      "machine",
      only === undefined
        ? "a limit for the whole machine holds only while a program keeps /dev/cpu_dma_latency open: apply the profile through the running powermon, or give latency_us per CPU"
        : PARTLY,
    );
  return { ...draft, latencyUs: held ? latencyUs : undefined };
}

/** Folds the rules: what is wanted of each CPU. */
function knobsByCpu(
  profile: HostProfile,
  sets: CpuSets,
  only: readonly Pcpu[] | undefined,
  offline: "pass" | undefined,
  draft: Draft,
): Map<Pcpu, Knobs> {
  const wanted = new Map<Pcpu, Knobs>();
  for (const { cpus: selector, ...knobs } of profile.rules) {
    const cpus = selectCpus(selector, sets, offline);
    if (!cpus.ok) {
      draft.fails("cpus", selector, cpus.error);
      continue;
    }
    if (cpus.value.length === 0) draft.lacks("cpus", selector, `no CPU of this machine is ${selector}`);
    for (const cpu of cpus.value)
      if (!only || only.includes(cpu)) wanted.set(cpu, { ...wanted.get(cpu), ...defined(knobs) });
  }
  return wanted;
}

/** Returns what all CPUs of a domain agree on; undefined when nothing is asked or they don't agree. */
function knobsOf(
  { id, cpus }: PlannedDomain,
  wanted: ReadonlyMap<Pcpu, Knobs>,
  draft: Draft,
): DomainKnobs | undefined {
  const pick = (cpu: Pcpu): DomainKnobs => {
    const { governor, floor, ceiling, epp } = wanted.get(cpu) ?? {};
    return { governor, floor, ceiling, epp };
  };
  const [first, ...others] = cpus;
  if (first === undefined) return undefined;
  const knobs = pick(first);
  const other = others.find((cpu) => JSON.stringify(pick(cpu)) !== JSON.stringify(knobs));
  if (other === undefined) return asksClock(knobs) ? knobs : undefined;
  const why = `CPUs ${first} and ${other} share one clock, and the profile asks different things of them`;
  draft.fails("cpus", `domain ${id}`, why);
  return undefined;
}

/** Knobs of the whole machine: turbo, the firmware's profile, KVM's polling, uncore. */
function planMachine(
  cpuRoot: string,
  { pstateMode, boost, uncore, platformProfile, haltPollNs }: HostProfile,
  domains: readonly PlannedDomain[],
  sets: CpuSets,
  some: boolean,
  draft: Draft,
): void {
  if (pstateMode !== undefined && some) draft.lacks("pstate mode", "machine", PARTLY);
  else if (pstateMode !== undefined) planMode(cpuRoot, pstateMode, draft);
  if (boost !== undefined && some) draft.lacks("boost", "machine", PARTLY);
  else if (boost !== undefined && sets.online.some((cpu) => isClockAlone(cpuRoot, cpu)))
    draft.lacks("boost", "machine", `a clock that the switch would write, too, is ${LEFT_ALONE}`);
  else if (boost !== undefined) planBoost(cpuRoot, boost, domains, draft);
  if (platformProfile !== undefined && some) draft.lacks("platform profile", "machine", PARTLY);
  if (haltPollNs !== undefined && some) draft.lacks("halt poll", "machine", PARTLY);
  if (!some) planPlatform(cpuRoot, platformProfile, haltPollNs, draft);
  if (uncore === undefined) return;
  if (some) draft.lacks("uncore", "machine", PARTLY);
  else planUncore(cpuRoot, uncore, draft);
}

/** The mode is switched before anything is planned: here it is as it is wanted, or can't be had. */
function planMode(cpuRoot: string, mode: PstateMode, draft: Draft): void {
  const now = readPstateMode(cpuRoot);
  if (now === undefined)
    return draft.lacks("pstate mode", "machine", "neither intel_pstate nor amd_pstate is its driver");
  const { driver } = now;
  const modes: readonly string[] = PSTATE_MODES[driver];
  if (!modes.includes(now.mode)) draft.lacks("pstate mode", "machine", `${driver} is off (${now.mode})`);
  else if (!modes.includes(mode))
    draft.lacks("pstate mode", "machine", `${driver} has no mode ${mode}: it has ${modes.join(", ")}`);
  else draft.set({ knob: "pstate mode", driver }, mode);
}

function planPlatform(
  cpuRoot: string,
  profile: string | undefined,
  haltPollNs: number | undefined,
  draft: Draft,
): void {
  if (profile === undefined && haltPollNs === undefined) return;
  const found = readPlatform(cpuRoot);
  if (!found.ok) return draft.fails("platform profile, halt poll", "machine", found.error);
  const { profiles } = found.value;
  if (profile !== undefined && found.value.profile === undefined)
    draft.lacks("platform profile", "machine", "its firmware has no profiles of its own");
  else if (profile !== undefined && !profiles.includes(profile))
    draft.lacks("platform profile", "machine", `it has no ${profile}: it has ${profiles.join(", ")}`);
  else if (profile !== undefined) draft.set({ knob: "platform profile" }, profile);
  if (haltPollNs === undefined) return;
  if (found.value.haltPollNs === undefined) draft.lacks("halt poll", "machine", "KVM is not loaded");
  else draft.set({ knob: "halt poll" }, haltPollNs);
}

function planBoost(cpuRoot: string, on: boolean, domains: readonly PlannedDomain[], draft: Draft): void {
  const ids = domains.map(({ id }) => id);
  const switches = readBoost(cpuRoot, ids);
  if (!switches.ok) return draft.fails("boost", "machine", switches.error);
  if (switches.value.length === 0)
    return draft.lacks(
      "boost",
      "machine",
      ids.length === 0 ? "no cpufreq driver runs" : "the driver shows no switch of turbo",
    );
  for (const { attribute, text } of switches.value) draft.set(attribute, on ? text.on : text.off);
  draft.turboRises = on && switches.value.some((one) => !one.on);
  // Some drivers move the limits with the switch.
  for (const domain of ids) draft.sideEffects.push({ knob: "floor", domain }, { knob: "ceiling", domain });
}

const asksClock = ({ governor, floor, ceiling, epp }: DomainKnobs): boolean =>
  (governor ?? floor ?? ceiling ?? epp) !== undefined;

const defined = (knobs: Knobs): Knobs =>
  Object.fromEntries(Object.entries(knobs).filter(([, value]) => value !== undefined));
