// What a cpufreq driver is to us: without it the table of drivers would have no common shape.

import type { FrequencyTable } from "../../values/frequency.ts";
import type { AttrDir } from "../attr.ts";
import type { Hardware } from "../hardware.ts";
import type { Pin } from "../cpufreq/pin.ts";

/** How policies of some scaling_driver are read and pinned. */
export interface CpufreqDriver {
  /** What scaling_driver says. */
  readonly names: readonly string[];
  /** Returns the frequencies that can be set. */
  readonly table: (found: Hardware) => FrequencyTable;
  /** Returns the way to hold a frequency. */
  readonly pin: (dir: AttrDir) => Pin;
}
