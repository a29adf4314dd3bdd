// What a cpufreq driver answers, as a list of writes and reads: the model of files and the kernel's own driver must both pass it.

import { AMD_CASES } from "./contract/amd.ts";
import { INTEL_CASES } from "./contract/intel.ts";
import { INTEL_CPUFREQ_CASES } from "./contract/intel-cpufreq.ts";
import { TABLE_CASES } from "./contract/tables.ts";

/** The machines: a driver in one mode, two CPUs with a policy each, on Linux 6.12. */
export type MachineName =
  | "acpi-cpufreq-boost"
  | "amd-pstate-active"
  | "amd-pstate-active-no-cpb"
  | "amd-pstate-guided"
  | "amd-pstate-passive"
  | "intel_pstate-hwp"
  | "intel_pstate-no-hwp"
  | "intel_cpufreq-hwp"
  | "intel_cpufreq-no-hwp"
  | "intel_pstate-turbo-off"
  | "intel_pstate-mtl"
  | "cppc_cpufreq";

/**
 * One thing done. Paths start at /sys/devices/system/cpu. A write sends `text` and a newline in one call and gets `errno`, or succeeds.
 * A read gives `is`, blanks at its end left out, or fails with `errno`, on opening or on reading. The kernel takes new limits over in a
 * work item of its own, so a read that says something else is to be repeated for a second. `hw` is what the hardware is asked for
 * (intel machines with HWP): the lowest and highest ratio, in 100 MHz.
 */
export interface Step {
  readonly write?: { readonly path: string; readonly text: string; readonly errno?: string };
  readonly read?: { readonly path: string; readonly is?: string; readonly errno?: string };
  readonly hw?: { readonly cpu: number; readonly min: number; readonly max: number };
}

/** Steps on a machine that has booted and maybe run the cases before: each case leaves the machine as it came up. */
export interface Case {
  readonly name: string;
  readonly machine: MachineName;
  readonly steps: readonly Step[];
}

/** All cases, those of one machine together and in the order in which they are to run. */
export const CASES: readonly Case[] = [...TABLE_CASES, ...AMD_CASES, ...INTEL_CASES, ...INTEL_CPUFREQ_CASES];
