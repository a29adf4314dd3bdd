// What a profile asks of one clock: without it a governor or limit that this driver lacks would be found by an errno.

import type { DomainId, Pcpu } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { driverOf } from "../../sysfs/driver/index.ts";
import { eppPath, readEpp } from "../../sysfs/energy-bias.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { type Hardware, readHardware } from "../../sysfs/hardware.ts";
import { listNumbered } from "../../sysfs/numbered.ts";
import type { HostRule, SettingLevel } from "./host-profile.ts";
import type { Draft, PlanOptions } from "./plan.ts";

export type PolicyKnobs = Pick<HostRule, "governor" | "floor" | "ceiling" | "epp">;

/** A policy as it is now. */
export interface PlannedPolicy {
  readonly id: DomainId;
  /** Those online. */
  readonly cpus: readonly Pcpu[];
  readonly hardware: Hardware;
  readonly governor: string;
  /** The limits that stand, kHz. */
  readonly low: number;
  readonly high: number;
}

/** Governors that follow the load, the best first. */
const DYNAMIC = ["schedutil", "ondemand", "conservative"];
/** Under these drivers powersave follows the load; elsewhere it means the lowest clock. Source: Documentation/admin-guide/pm/intel_pstate.rst, active mode; amd-pstate.rst. */
const ACTIVE_DRIVERS = ["intel_pstate", "amd-pstate-epp"];

/** Reads every policy with an online CPU; one that can't be read is a problem of the plan. */
export function readPolicies(
  cpuRoot: string,
  online: readonly Pcpu[],
  draft: Draft,
  beneath: PlanOptions["beneath"],
): PlannedPolicy[] {
  const ids = listNumbered(`${cpuRoot}/cpufreq`, "policy");
  if (!ids.ok) draft.problems.push({ knob: "cpufreq", where: "machine", why: explainSysfs(ids.error) });
  const policies: PlannedPolicy[] = [];
  for (const id of (ids.ok ? ids.value : []) as DomainId[]) {
    const dir = new AttrDir(`${cpuRoot}/cpufreq/policy${id}`);
    const related = dir.read("affected_cpus");
    // A policy whose CPUs are all offline answers EBUSY and can wait.
    if (!related.ok && related.error.code === "EBUSY") continue;
    const hardware = readHardware(cpuRoot, dir);
    const governor = dir.read("scaling_governor");
    if (!hardware.ok || !governor.ok) {
      const error = hardware.ok ? governor : hardware;
      if (!error.ok)
        draft.problems.push({ knob: "cpufreq", where: `policy${id}`, why: explainSysfs(error.error) });
      continue;
    }
    const cpus = hardware.value.pcpus.filter((cpu) => online.includes(cpu));
    if (cpus.length === 0) continue;
    const under = (file: string) => beneath?.(`cpufreq/policy${id}/${file}`)?.text;
    const limit = (file: string, otherwise: number): number => {
      const now = dir.readNumber(file);
      return Number(under(file) ?? (now.ok && now.value !== undefined ? now.value : otherwise));
    };
    policies.push({
      id,
      cpus,
      hardware: hardware.value,
      governor: under("scaling_governor") ?? governor.value ?? "",
      low: limit("scaling_min_freq", hardware.value.min),
      high: limit("scaling_max_freq", hardware.value.max),
    });
  }
  return policies;
}

/** Adds what `knobs` come to on `policy` to the draft. */
export function planPolicy(cpuRoot: string, policy: PlannedPolicy, knobs: PolicyKnobs, draft: Draft): void {
  const at = `cpufreq/policy${policy.id}`;
  const where = `policy${policy.id}`;
  let governor = policy.governor;
  if (knobs.governor !== undefined) {
    const chosen = governorFor(knobs.governor, policy.hardware);
    if (chosen === undefined) {
      const has = policy.hardware.governors.filter((word) => word !== "").join(", ");
      draft.lacking.push({
        knob: "governor",
        where,
        why: `driver ${policy.hardware.driver} offers no ${knobs.governor}: it has ${has}`,
      });
    } else {
      governor = chosen;
      draft.settings.push({ path: `${at}/scaling_governor`, text: chosen, knob: "governor" });
    }
  }
  planLimits(policy, knobs, draft);
  planEpp(cpuRoot, policy, knobs.epp, governor, draft);
  draft.sideEffects.push(
    { path: `${at}/scaling_governor`, knob: "governor" },
    { path: `${at}/scaling_min_freq`, knob: "floor" },
    { path: `${at}/scaling_max_freq`, knob: "ceiling" },
    ...(policy.governor === "userspace" ? [{ path: `${at}/scaling_setspeed`, knob: "speed" as const }] : []),
  );
}

function governorFor(wanted: string, { driver, governors }: Hardware): string | undefined {
  if (wanted !== "dynamic") return governors.find((word) => word === wanted);
  if (ACTIVE_DRIVERS.includes(driver)) return governors.find((word) => word === "powersave");
  return DYNAMIC.find((word) => governors.includes(word));
}

function planLimits(policy: PlannedPolicy, { floor, ceiling }: PolicyKnobs, draft: Draft): void {
  if (floor === undefined && ceiling === undefined) return;
  const where = `policy${policy.id}`;
  const { min, max } = policy.hardware;
  const low = floor === undefined ? policy.low : khzOf(floor, policy.hardware);
  const high = ceiling === undefined ? policy.high : khzOf(ceiling, policy.hardware);
  if (low > high || (floor !== undefined && low < min) || (ceiling !== undefined && high > max)) {
    draft.problems.push({
      knob: "floor and ceiling",
      where,
      why: `${low}-${high} kHz is no range within ${min}-${max}`,
    });
    return;
  }
  const at = `cpufreq/policy${policy.id}`;
  if (floor !== undefined)
    draft.settings.push({ path: `${at}/scaling_min_freq`, text: `${low}`, knob: "floor" });
  if (ceiling !== undefined)
    draft.settings.push({ path: `${at}/scaling_max_freq`, text: `${high}`, knob: "ceiling" });
}

function khzOf(level: SettingLevel, hardware: Hardware): number {
  if (level === "min") return hardware.min;
  if (level === "max") return hardware.max;
  if (level !== "base") return level;
  const { steps, nominal } = driverOf(hardware.driver).table(hardware);
  return steps[nominal] ?? hardware.max;
}

function planEpp(
  cpuRoot: string,
  policy: PlannedPolicy,
  wanted: string | undefined,
  governor: string,
  draft: Draft,
): void {
  const where = `policy${policy.id}`;
  const found = readEpp(cpuRoot, policy.id);
  if (!found.ok) {
    draft.problems.push({ knob: "epp", where, why: explainSysfs(found.error) });
    return;
  }
  const path = eppPath(policy.id);
  // It moves with the governor, so it is saved even when nothing is asked of it.
  if (found.value) draft.sideEffects.push({ path, knob: "epp" });
  if (wanted === undefined) return;
  if (!found.value) {
    draft.lacking.push({
      knob: "epp",
      where,
      why: `driver ${policy.hardware.driver} has no energy_performance_preference`,
    });
  } else if (!found.value.choices.includes(wanted) && !(/^\d{1,3}$/.test(wanted) && Number(wanted) <= 255)) {
    draft.lacking.push({
      knob: "epp",
      where,
      why: `it offers no ${wanted}: it has ${found.value.choices.join(", ")}`,
    });
  } else if (governor === "performance" && wanted !== "performance" && wanted !== "0") {
    draft.problems.push({
      knob: "epp",
      where,
      why: "governor performance holds it at performance (the kernel answers EBUSY)",
    });
  } else draft.settings.push({ path, text: wanted, knob: "epp" });
}
