// One CPU of intel_pstate: its frequencies and its energy hint. Source: drivers/cpufreq/intel_pstate.c of Linux 6.12.

import type { Captured } from "./captured.ts";
import { refuse } from "./errno.ts";
import { type Attribute, CPU, type Files } from "./files.ts";
import type { Asked } from "./machines.ts";
import type { Range } from "./policy.ts";
import { firstWord } from "./texts.ts";

/** kHz of one ratio (perf_ctl_scaling). */
export const RATIO = 100_000;

/** Raw energy hints by word: energy_perf_strings, epp_values, and intel_epp_default for some models. */
export interface EppValues {
  readonly performance: number;
  readonly balance_performance: number;
  readonly balance_power: number;
  readonly power: number;
}

export const USUAL_EPP: EppValues = {
  performance: 0,
  balance_performance: 128,
  balance_power: 192,
  power: 255,
};
/** Meteor Lake and Arrow Lake. */
export const METEOR_LAKE_EPP: EppValues = {
  performance: 16,
  balance_performance: 64,
  balance_power: 179,
  power: 255,
};

/** One CPU as the driver and its registers know it (struct cpudata). */
export interface Cpu {
  epp: number;
  eppDefault: number;
  eppCached: number;
  /** What goes back when governor performance ends; -1 is none. */
  eppPowersave: number;
  eppGovernor: string;
  /** Ratios. */
  limits: Range;
  request: Asked;
}

/** Frequencies of a policy's CPUs, kHz. */
export interface Pstates {
  readonly min: number;
  readonly base: number;
  readonly turbo: number;
}

/** Returns a CPU whose processor came up with hint `raw`. */
export function newCpu(raw: number): Cpu {
  return {
    epp: raw,
    eppDefault: raw,
    eppCached: raw,
    eppPowersave: -1,
    eppGovernor: "",
    limits: { min: 0, max: 255 },
    request: { min: 0, max: 0, desired: 0, epp: raw },
  };
}

/** Returns the frequencies of a captured policy: base from its own file, else as num_pstates and turbo_pct give it. */
export function pstatesOf(files: Files, captured: Captured, turboOff: boolean): Pstates {
  const { min, max } = captured.hardware;
  const count = Number(files.line(`${CPU}/intel_pstate/num_pstates`) ?? 0);
  const percent = Number(files.line(`${CPU}/intel_pstate/turbo_pct`) ?? 0);
  const turbo = turboOff || count === 0 ? max : Math.max(max, min + (count - 1) * RATIO);
  const steps = Math.round((count * percent) / 100);
  return { min, base: captured.base ?? max - steps * RATIO, turbo };
}

/** Source: intel_pstate_hwp_set(): EPP 0 under governor performance, and what it was before after it. */
export function switchEpp(cpu: Cpu, governor: string): void {
  if (cpu.eppGovernor === governor) return;
  cpu.eppGovernor = governor;
  if (governor === "performance") {
    cpu.eppPowersave = cpu.epp;
    cpu.epp = 0;
  } else if (cpu.eppPowersave >= 0 && cpu.epp === 0) cpu.epp = cpu.eppPowersave;
}

/** Returns the two files of a policy's energy hint. `first` is its CPU now, `held` whether governor performance allows 0 alone. */
export function eppFiles(
  first: () => Cpu,
  values: EppValues,
  held: () => boolean,
): Record<string, Attribute> {
  const words: Readonly<Record<string, number>> = { ...values };
  return {
    energy_performance_available_preferences: { show: () => `default ${Object.keys(words).join(" ")} ` },
    energy_performance_preference: {
      // intel_pstate_get_energy_pref_index(): a value without a word is shown as it is, but 0 as default.
      show: () => {
        const { epp } = first();
        const word = Object.entries(words).find(([, raw]) => raw === epp)?.[0];
        return word ?? (epp === 0 ? "default" : `${epp}`);
      },
      // store_energy_performance_preference()
      store: (text) => {
        const cpu = first();
        const word = firstWord(text, 20);
        const raw = word === "default" ? cpu.eppDefault : (words[word] ?? rawEpp(text));
        if (raw > 0 && held()) refuse("EBUSY");
        cpu.epp = raw;
        cpu.eppCached = raw;
        cpu.request = { ...cpu.request, epp: raw };
      },
    },
  };
}

/** Source: kstrtouint(text, 10). */
function rawEpp(text: string): number {
  const raw = /^\+?\d+\n?$/.test(text) ? Number(text) : refuse("EINVAL");
  return raw > 255 ? refuse("EINVAL") : raw;
}
