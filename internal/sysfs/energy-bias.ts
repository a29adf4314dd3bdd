// How a CPU weighs speed against energy: without it the two knobs that modern drivers obey most could not be read or set.

import { err, ok, type Result } from "../values/result.ts";
import type { DomainId, Pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import { readWords } from "./choice.ts";
import { notUnderstood, type SysfsError } from "../values/sysfs-error.ts";

/** energy_performance_preference of a policy. Source: Documentation/admin-guide/pm/intel_pstate.rst, amd-pstate.rst. */
export interface Epp {
  readonly current: string;
  /** Words; many drivers take a number from 0 (performance) to 255 (energy) too. */
  readonly choices: readonly string[];
}

/** Returns where a policy's EPP is, from the folder of CPUs on. */
export const eppPath = (policy: DomainId): string => `cpufreq/policy${policy}/energy_performance_preference`;
/** Returns where a CPU's EPB is, from the folder of CPUs on. */
export const epbPath = (cpu: Pcpu): string => `cpu${cpu}/power/energy_perf_bias`;

/** Reads a policy's EPP; undefined when its driver has none. Errors: as AttrDir.read. */
export function readEpp(cpuRoot: string, policy: DomainId): Result<Epp | undefined, SysfsError> {
  const current = new AttrDir(cpuRoot).read(eppPath(policy));
  if (!current.ok || current.value === undefined) return current as Result<undefined, SysfsError>;
  const choices = readWords(
    new AttrDir(`${cpuRoot}/cpufreq/policy${policy}`),
    "energy_performance_available_preferences",
  );
  return choices.ok ? ok({ current: current.value, choices: choices.value }) : choices;
}

/** Reads a CPU's EPB, 0 (performance) to 15 (energy); undefined when it has none. Errors: as AttrDir.readNumber, EINVAL past 15. */
export function readEpb(cpuRoot: string, cpu: Pcpu): Result<number | undefined, SysfsError> {
  const value = new AttrDir(cpuRoot).readNumber(epbPath(cpu));
  if (value.ok && value.value !== undefined && value.value > 15)
    return err(notUnderstood(`${cpuRoot}/${epbPath(cpu)}`, `${value.value}`));
  return value;
}
