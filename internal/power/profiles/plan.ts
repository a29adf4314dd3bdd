// From a profile to attributes of this machine: without it half a profile would be written before the rest proved impossible.

import { formatCpuList } from "../../values/cpulist.ts";
import { type Pcpu } from "../../values/units.ts";
import { readBoost } from "../../sysfs/cpufreq/boost.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { readUncore } from "../../sysfs/uncore.ts";
import { type CpuSets, selectCpus } from "./cpu-selector.ts";
import type { HostProfile, HostRule, UncoreLevel } from "./host-profile.ts";
import { planCpu } from "./plan-cpu.ts";
import { type PlannedPolicy, planPolicy, type PolicyKnobs, readPolicies } from "./plan-domain.ts";
import type { Setting } from "./setting.ts";

/** Something of the profile that can't be had. */
export interface Lack {
  readonly knob: string;
  /** Such as policy0, CPU 3 or the machine. */
  readonly where: string;
  readonly why: string;
}

/** What applying a profile comes to. */
export interface Plan {
  readonly settings: readonly Setting[];
  /** Attributes that change by themselves when the settings are written: saved with them. */
  readonly sideEffects: readonly Pick<Setting, "path" | "knob">[];
  /** For the whole machine, by /dev/cpu_dma_latency. */
  readonly latencyUs?: number;
  /** Knobs that this machine lacks. */
  readonly lacking: readonly Lack[];
  /** What makes the profile impossible, whatever may be left out. */
  readonly problems: readonly Lack[];
}

/** Where what was found out is gathered. */
export interface Draft {
  readonly settings: Setting[];
  readonly sideEffects: Pick<Setting, "path" | "knob">[];
  readonly lacking: Lack[];
  readonly problems: Lack[];
}

type Knobs = Omit<HostRule, "cpus">;

/** What a plan is made for. */
export interface PlanOptions {
  /** CPUs it is limited to; knobs of the whole machine are then left alone. */
  readonly only?: readonly Pcpu[] | undefined;
  /** Whether somebody holds /dev/cpu_dma_latency: only a program that stays can. */
  readonly canHold?: boolean;
  /** What claimed clocks go back to before the plan is carried out. */
  readonly beneath?: (path: string) => { readonly text: string } | undefined;
}

/** Returns what `profile` comes to on this machine. Reads only. */
export function planProfile(
  cpuRoot: string,
  profile: HostProfile,
  sets: CpuSets,
  options: PlanOptions = {},
): Plan {
  const draft: Draft = { settings: [], sideEffects: [], lacking: [], problems: [] };
  const wanted = knobsByCpu(profile, sets, options.only, draft);
  const policies = readPolicies(cpuRoot, sets.online, draft, options.beneath);
  planMachine(cpuRoot, profile, policies, options.only !== undefined, draft);
  for (const policy of policies) {
    const knobs = knobsOf(policy, wanted, draft);
    if (knobs) planPolicy(cpuRoot, policy, knobs, draft);
  }
  const uncovered = [...wanted].filter(
    ([cpu, knobs]) => asksClock(knobs) && !policies.some((p) => p.cpus.includes(cpu)),
  );
  if (uncovered.length > 0)
    draft.lacking.push({
      knob: "governor, floor, ceiling, epp",
      where: `CPUs ${formatCpuList(uncovered.map(([cpu]) => cpu))}`,
      why: "they have no cpufreq policy: no driver runs",
    });
  for (const [cpu, knobs] of wanted) planCpu(cpuRoot, cpu, knobs, draft);
  const held = profile.latencyUs !== undefined && options.only === undefined && options.canHold === true;
  if (profile.latencyUs !== undefined && !held)
    draft.lacking.push({
      knob: "latency",
      where: "machine",
      why:
        options.only === undefined
          ? "a limit for the whole machine holds only while a program keeps /dev/cpu_dma_latency open: apply the profile through the running powermon, or give latency_us per CPU"
          : "it is the whole machine's, and only some CPUs were asked for",
    });
  return { ...draft, ...(held && profile.latencyUs !== undefined && { latencyUs: profile.latencyUs }) };
}

/** Folds the rules: what is wanted of each CPU. */
function knobsByCpu(
  profile: HostProfile,
  sets: CpuSets,
  only: readonly Pcpu[] | undefined,
  draft: Draft,
): Map<Pcpu, Knobs> {
  const wanted = new Map<Pcpu, Knobs>();
  for (const { cpus: selector, ...knobs } of profile.rules) {
    const cpus = selectCpus(selector, sets);
    if (!cpus.ok) {
      draft.problems.push({ knob: "cpus", where: selector, why: cpus.error });
      continue;
    }
    if (cpus.value.length === 0)
      draft.lacking.push({ knob: "cpus", where: selector, why: `no CPU of this machine is ${selector}` });
    for (const cpu of cpus.value)
      if (!only || only.includes(cpu)) wanted.set(cpu, { ...wanted.get(cpu), ...defined(knobs) });
  }
  return wanted;
}

/** Returns what all CPUs of a policy agree on; undefined when nothing is asked or they don't agree. */
function knobsOf(
  policy: PlannedPolicy,
  wanted: ReadonlyMap<Pcpu, Knobs>,
  draft: Draft,
): PolicyKnobs | undefined {
  const pick = (cpu: Pcpu): PolicyKnobs => {
    const { governor, floor, ceiling, epp } = wanted.get(cpu) ?? {};
    return { governor, floor, ceiling, epp };
  };
  const [first, ...others] = policy.cpus;
  if (first === undefined) return undefined;
  const knobs = pick(first);
  const other = others.find((cpu) => JSON.stringify(pick(cpu)) !== JSON.stringify(knobs));
  if (other !== undefined) {
    draft.problems.push({
      knob: "cpus",
      where: `policy${policy.id}`,
      why: `CPUs ${first} and ${other} share one clock, and the profile asks different things of them`,
    });
    return undefined;
  }
  return asksClock(knobs) ? knobs : undefined;
}

/** Knobs of the whole machine: turbo and uncore. */
function planMachine(
  cpuRoot: string,
  profile: HostProfile,
  policies: readonly PlannedPolicy[],
  some: boolean,
  draft: Draft,
): void {
  const partly = (knob: string) =>
    draft.lacking.push({
      knob,
      where: "machine",
      why: "it is the whole machine's, and only some CPUs were asked for",
    });
  if (profile.boost !== undefined && some) partly("boost");
  else if (profile.boost !== undefined) planBoost(cpuRoot, profile.boost, policies, draft);
  const { floor, ceiling } = profile.uncore ?? {};
  if (floor === undefined && ceiling === undefined) return;
  if (some) partly("uncore");
  else planUncore(cpuRoot, floor, ceiling, draft);
}

function planBoost(cpuRoot: string, on: boolean, policies: readonly PlannedPolicy[], draft: Draft): void {
  const switches = readBoost(
    cpuRoot,
    policies.map((policy) => policy.id),
  );
  const machine = { knob: "boost", where: "machine" };
  if (!switches.ok) draft.problems.push({ ...machine, why: explainSysfs(switches.error) });
  else if (switches.value.length === 0)
    draft.lacking.push({ ...machine, why: "the driver shows no switch for turbo" });
  for (const { path, text } of switches.ok ? switches.value : [])
    draft.settings.push({ path, text: on ? text.on : text.off, knob: "boost" });
  // Some drivers move the ceiling with the switch.
  if (switches.ok && switches.value.length > 0)
    for (const { id } of policies)
      draft.sideEffects.push(
        { path: `cpufreq/policy${id}/scaling_min_freq`, knob: "floor" },
        { path: `cpufreq/policy${id}/scaling_max_freq`, knob: "ceiling" },
      );
}

function planUncore(
  cpuRoot: string,
  floor: UncoreLevel | undefined,
  ceiling: UncoreLevel | undefined,
  draft: Draft,
): void {
  const machine = { knob: "uncore", where: "machine" };
  const found = readUncore(cpuRoot);
  if (!found.ok) draft.problems.push({ ...machine, why: explainSysfs(found.error) });
  else if (found.value.length === 0)
    draft.lacking.push({
      ...machine,
      why: "the driver intel_uncore_frequency is not loaded, or this is no Intel server",
    });
  for (const one of found.ok ? found.value : []) {
    const khzOf = (level: UncoreLevel | undefined, now: number): number =>
      level === undefined ? now : level === "min" ? one.initialMin : level === "max" ? one.initialMax : level;
    const [low, high] = [khzOf(floor, one.min), khzOf(ceiling, one.max)];
    if (low > high || low < one.initialMin || high > one.initialMax) {
      const why = `${low}-${high} kHz is no range within ${one.initialMin}-${one.initialMax}`;
      draft.problems.push({ knob: "uncore", where: one.name, why });
      continue;
    }
    if (floor !== undefined)
      draft.settings.push({ path: `${one.path}/min_freq_khz`, text: `${low}`, knob: "uncore floor" });
    if (ceiling !== undefined)
      draft.settings.push({ path: `${one.path}/max_freq_khz`, text: `${high}`, knob: "uncore ceiling" });
  }
}

const asksClock = ({ governor, floor, ceiling, epp }: PolicyKnobs): boolean =>
  (governor ?? floor ?? ceiling ?? epp) !== undefined;

const defined = (knobs: Knobs): Knobs =>
  Object.fromEntries(Object.entries(knobs).filter(([, value]) => value !== undefined));
