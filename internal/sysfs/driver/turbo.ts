// The switches of turbo that several drivers share.

import type { TurboFile } from "./driver.ts";

/** cpufreq's own switch, for the whole machine or, where the driver says so, for each domain. Source: Documentation/admin-guide/pm/{cpufreq,amd-pstate}.rst. */
export const BOOST: readonly TurboFile[] = [
  { file: "cpufreq/boost", on: "1", off: "0" },
  { file: undefined, on: "1", off: "0" },
];

/** Intel's, which says the opposite of boost. Source: Documentation/admin-guide/pm/intel_pstate.rst. */
export const NO_TURBO: TurboFile = { file: "intel_pstate/no_turbo", on: "0", off: "1" };
