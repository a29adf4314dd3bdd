// How a domain weighs speed against energy: the knob that modern drivers obey most.

import { ok, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import type { DomainId } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import { readWords } from "../choice.ts";
import { domainDir, FILE } from "./files.ts";

/**
 * What stands for a value without a word, as firmware may set it, where the kernel answers EINVAL to reading. Source:
 * drivers/cpufreq/amd-pstate.c, amd_pstate_get_energy_pref_index.
 */
export const UNKNOWN_EPP = "unknown";

/** energy_performance_preference of a domain. Source: Documentation/admin-guide/pm/intel_pstate.rst, amd-pstate.rst. */
export interface Epp {
  /** A word or a number; UNKNOWN_EPP where the kernel can't tell. */
  readonly current: string;
  /** Words; many drivers take a number from 0 (performance) to 255 (energy) too. */
  readonly choices: readonly string[];
}

/** Reads the EPP of domain `id`; undefined when its driver has none. Errors: as AttrDir.read. */
export function readEpp(cpuRoot: string, id: DomainId): Result<Epp | undefined, SysfsError> {
  const dir = domainDir(cpuRoot, id);
  const current = readEppText(dir, FILE.epp);
  if (!current.ok || current.value === undefined) return current as Result<undefined, SysfsError>;
  const choices = readWords(dir, FILE.eppWords);
  return choices.ok ? ok({ current: current.value, choices: choices.value }) : choices;
}

/** Reads an EPP at `path` of `dir`: a word, a number or UNKNOWN_EPP; undefined where there is none. Errors: as AttrDir.read. */
export function readEppText(dir: AttrDir, path: string): Result<string | undefined, SysfsError> {
  const line = dir.read(path);
  return !line.ok && line.error.code === "EINVAL" ? ok(UNKNOWN_EPP) : line;
}

/** Returns whether `word` is one that EPP lists, or a number it may take. */
export const takesEpp = ({ choices }: Epp, word: string): boolean =>
  choices.includes(word) || (/^\d{1,3}$/.test(word) && Number(word) <= 255);
