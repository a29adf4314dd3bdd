// How a domain weighs speed against energy: the knob that modern drivers obey most.

import { ok, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import type { DomainId } from "../../values/units.ts";
import { readWords } from "../choice.ts";
import { domainDir, FILE } from "./files.ts";

/** energy_performance_preference of a domain. Source: Documentation/admin-guide/pm/intel_pstate.rst, amd-pstate.rst. */
export interface Epp {
  readonly current: string;
  /** Words; many drivers take a number from 0 (performance) to 255 (energy) too. */
  readonly choices: readonly string[];
}

/** Reads the EPP of domain `id`; undefined when its driver has none. Errors: as AttrDir.read. */
export function readEpp(cpuRoot: string, id: DomainId): Result<Epp | undefined, SysfsError> {
  const dir = domainDir(cpuRoot, id);
  const current = dir.read(FILE.epp);
  if (!current.ok || current.value === undefined) return current as Result<undefined, SysfsError>;
  const choices = readWords(dir, FILE.eppWords);
  return choices.ok ? ok({ current: current.value, choices: choices.value }) : choices;
}

/** Returns whether `word` is one that EPP lists, or a number it may take. */
export const takesEpp = ({ choices }: Epp, word: string): boolean =>
  choices.includes(word) || (/^\d{1,3}$/.test(word) && Number(word) <= 255);
