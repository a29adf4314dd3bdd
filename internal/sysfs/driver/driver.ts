// What there is to know of a cpufreq driver, and what a driver is told of a domain.

import type { FrequencyTable } from "../../values/frequency.ts";
import type { Khz, Pcpu } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { KhzRange } from "../cpufreq/limits.ts";
import type { Pin } from "../cpufreq/pin.ts";

/** A domain as the kernel describes it, before anyone judges what can be done with it. */
export interface Hardware {
  /** scaling_driver's text. */
  readonly driver: string;
  readonly governors: readonly string[];
  /** related_cpus: online or not. */
  readonly pcpus: readonly Pcpu[];
  readonly min: Khz;
  readonly max: Khz;
  /** The highest frequency that isn't turbo, where the kernel tells. */
  readonly base: Khz | undefined;
  /** Descending, each once; empty when the driver has no table. */
  readonly listed: readonly Khz[];
  /** As `listed`: frequencies that need boost. */
  readonly boosts: readonly Khz[];
  /** What a driver's limits for all CPUs leave of min and max; they bind beside a domain's own. */
  readonly bounds: KhzRange;
  /** What scaling_min_freq and scaling_max_freq show where nobody set a limit: less than min to max where others' limits show there too. */
  readonly unset: KhzRange;
  /** False when turbo is off for the whole machine or this domain. */
  readonly turboAllowed: boolean;
}

/** A switch of turbo. */
export interface TurboFile {
  /** From the folder of CPUs on; undefined for one in each domain's folder. */
  readonly file: string | undefined;
  readonly on: "0" | "1";
  readonly off: "0" | "1";
}

/** What the governors of a driver do. */
export interface Governors {
  /** Those that follow the load, the best first. */
  readonly dynamic: readonly string[];
  /** The one under which EPP stays at performance and every other word is refused. */
  readonly holdsEpp: string | undefined;
  /** Words that EPP takes under any other governor, where some drivers list but one under that. */
  readonly eppWords: readonly string[];
}

/** How domains of some scaling_driver are read, judged and pinned. */
export interface CpufreqDriver {
  /** What scaling_driver says. */
  readonly names: readonly string[];
  /** Returns the frequencies that can be set. */
  readonly table: (found: Hardware) => FrequencyTable;
  /** Returns the way to hold a frequency. */
  readonly pin: (dir: AttrDir) => Pin;
  /** The switches of turbo it may have, those of the whole machine first. */
  readonly turbo: readonly TurboFile[];
  readonly governors: Governors;
  /** Whether turbo may be used by whoever has not said that it may, as in DPDK's host: what it sets up for a core of this driver. */
  readonly turboAtStart: boolean;
  /**
   * Returns the highest frequency that isn't turbo, where nothing in the domain's own files tells.
   * @param cpus the folder of CPUs
   */
  readonly base?: (cpus: AttrDir, range: KhzRange) => Khz | undefined;
  /** Returns what the driver's own limits for all CPUs leave of a domain's range. */
  readonly bounds?: (cpus: AttrDir, range: KhzRange) => KhzRange;
  /** Returns what these show in each domain's own limits; absent where they don't. */
  readonly shows?: (cpus: AttrDir, range: KhzRange) => KhzRange;
}
