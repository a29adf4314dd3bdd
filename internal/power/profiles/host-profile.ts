// A named set of power settings for the host itself, and those that are built in.

import type { PstateMode } from "../../sysfs/driver/pstate-mode.ts";

/** A clock: the hardware's lowest, its highest without turbo, its highest, or kHz. A floor of min and a ceiling of max are no limits at all. */
export type SettingLevel = "min" | "base" | "max" | number;

/** What some CPUs get; a knob left out stays as it is. */
export interface HostRule {
  /** all, isolated, housekeeping, vm:NAME or a CPU list. Later rules win over earlier ones, knob by knob. */
  readonly cpus: string;
  /** A governor's name, or dynamic: the one of this driver that follows the load best. */
  readonly governor?: string | undefined;
  readonly floor?: SettingLevel | undefined;
  readonly ceiling?: SettingLevel | undefined;
  /** A word or number that energy_performance_preference takes. */
  readonly epp?: string | undefined;
  /** 0 (performance) to 15 (energy). */
  readonly epb?: number | undefined;
  /** Name of the deepest idle state that may be entered; of several the first that the CPU has, for each generation has its own. */
  readonly deepestState?: readonly string[] | undefined;
  /** Longest time a CPU may take to wake, microseconds. */
  readonly latencyUs?: number | undefined;
}

/** A profile. */
export interface HostProfile {
  readonly name: string;
  /** One line, no full stop. */
  readonly summary: string;
  /** What becomes of a knob that this machine lacks: the profile is refused, or the knob left out. */
  readonly missing: "refuse" | "skip";
  /** The mode that intel_pstate or amd_pstate is to run in. */
  readonly pstateMode?: PstateMode | undefined;
  /** Turbo of the whole machine. */
  readonly boost?: boolean | undefined;
  /**
   * Clock limits outside of the cores, and those of parts, which win: a package ("0"), a die of it ("0.1"), what a domain serves (core,
   * cache, memory, io), or a domain's name (uncoreNN).
   */
  readonly uncore?:
    (UncoreLimits & { readonly of?: Readonly<Record<string, UncoreLimits>> | undefined }) | undefined;
  /** The firmware's own profile, a word of platform_profile_choices. */
  readonly platformProfile?: string | undefined;
  /** Most nanoseconds that KVM polls after a vCPU has halted. */
  readonly haltPollNs?: number | undefined;
  /** housekeeping: no interrupt on isolated CPUs and those that VMs are pinned to, as far as the kernel lets them be moved. */
  readonly irq?: "housekeeping" | undefined;
  /** Longest wake-up time of any CPU, microseconds; held by the daemon through /dev/cpu_dma_latency. */
  readonly latencyUs?: number | undefined;
  readonly rules: readonly HostRule[];
}

/** As SettingLevel; the uncore has no base, and per cents of its range, such as "80%". */
export type UncoreLevel = "min" | "max" | number | `${number}%`;

/** Limits of the uncore clock; min and max are the hardware's. */
export interface UncoreLimits {
  readonly floor?: UncoreLevel | undefined;
  readonly ceiling?: UncoreLevel | undefined;
}

/** The profiles that every machine has; each leaves out what the machine lacks. */
export const BUILT_IN: readonly HostProfile[] = [
  {
    name: "performance",
    summary: "the highest clocks at all times, turbo on",
    missing: "skip",
    boost: true,
    rules: [{ cpus: "all", governor: "performance", ceiling: "max", epp: "performance", epb: 0 }],
  },
  {
    name: "balanced",
    summary: "clocks that follow the load, turbo on",
    missing: "skip",
    boost: true,
    rules: [{ cpus: "all", governor: "dynamic", ceiling: "max", epp: "balance_performance", epb: 6 }],
  },
  {
    name: "powersave",
    summary: "clocks that follow the load up to base, turbo off",
    missing: "skip",
    boost: false,
    rules: [{ cpus: "all", governor: "dynamic", floor: "min", ceiling: "base", epp: "power", epb: 15 }],
  },
  {
    name: "latency",
    summary: "a steady clock from base up and idle states that are left in less than 10 us",
    missing: "skip",
    rules: [
      {
        cpus: "all",
        governor: "performance",
        floor: "base",
        ceiling: "max",
        epp: "performance",
        epb: 0,
        // C1E takes 10 us on servers, and the kernel lets in what takes as long as the limit.
        latencyUs: 9,
      },
    ],
  },
];
