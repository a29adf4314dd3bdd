// A policy as the host applies it, the same whoever gave it: guest, operator, FIFO or a dry run.

import type { GuestPolicy, PolicyType, Workload } from "./request.ts";
import type { Khz } from "./units.ts";

/** What a policy can wish: ends and middle of a domain's table, or a frequency. */
export type PolicyLevel = "min" | "medium" | "max" | Khz;

/** Which interfaces are listened to, and from which rate on a level is due; packets per second as the guest receives them. */
export interface TrafficRule {
  /** Guest's MAC addresses, lower-case, colon-separated. */
  readonly macs: readonly string[];
  /** Host interfaces by name. */
  readonly interfaces: readonly string[];
  /** At or above it medium is due. */
  readonly mediumPps: number;
  /** At or above it max is due. */
  readonly maxPps: number;
  /** A level is left only when the rate is below this many percent of its threshold, 1 to 100. */
  readonly fallPercent: number;
}

/** A span of the local clock, in minutes of the day. One that ends at or before its start ends on the next day. */
export interface TimeSpan {
  /** Weekdays on which it starts, 1 (Monday) to 7 (Sunday), as ISO 8601 counts them. */
  readonly days: readonly number[];
  /** 0 to 1439. */
  readonly from: number;
  /** Exclusive, 0 to 1440. */
  readonly to: number;
}

/** What is due in a span. */
export interface TimeWindow extends TimeSpan {
  readonly level: PolicyLevel | "traffic";
}

export interface TimePolicy {
  readonly type: "time";
  /** IANA name, or an offset such as +05:30; undefined for the host's own, whichever that is at the time. */
  readonly timeZone: string | undefined;
  /** The first that holds wins. */
  readonly windows: readonly TimeWindow[];
  /** Outside of all windows; undefined leaves things as they are. */
  readonly otherwise: PolicyLevel | undefined;
  /** For windows of level "traffic". */
  readonly traffic: TrafficRule;
}

export interface TrafficPolicy {
  readonly type: "traffic";
  readonly traffic: TrafficRule;
}

export interface WorkloadPolicy {
  readonly type: "workload";
  readonly workload: Workload;
}

export interface BranchRatioPolicy {
  readonly type: "branch-ratio";
  /** Branch misses per branch above which a core is busy, 0 to 1. */
  readonly threshold: number;
  /** Samples in a row that are not busy before min is due. */
  readonly quietSamples: number;
}

/** The rule of a policy. */
export type PolicyRule = TimePolicy | TrafficPolicy | WorkloadPolicy | BranchRatioPolicy;
/** The rule of one type. */
export type RuleOf<T extends PolicyType> = Extract<PolicyRule, { type: T }>;

/** A rule and whom it moves. */
export interface Policy {
  readonly rule: PolicyRule;
  readonly vcpus: "all" | readonly number[];
  /** Whether max may be turbo; undefined leaves it to the vCPU: what its guest said last, else what its clock starts with. */
  readonly turbo: boolean | undefined;
}

/** What stands where nobody says otherwise. Threshold and samples: DPDK examples/vm_power_manager/{main,oob_monitor_x86}.c. */
export const POLICY_DEFAULTS = { fallPercent: 90, threshold: 0.001, quietSamples: 32 } as const;

/** All seven, 1 (Monday) to 7 (Sunday). */
export const EVERY_DAY: readonly number[] = [1, 2, 3, 4, 5, 6, 7];

/** Returns the window of one hour of every day, 0 to 23. */
export function hourWindow(hour: number, level: TimeWindow["level"]): TimeWindow {
  return { days: EVERY_DAY, from: hour * 60, to: (hour + 1) * 60, level };
}

/**
 * Returns a guest's policy as the host applies it. DPDK's host does not look at t_boost_status, so its 0 says nothing. An hour in several lists is busy before quiet before traffic; traffic hours
 * without a MAC mean nothing: guest_cli fills that list in without a port, others leave it at zeros. Source: DPDK channel_monitor.c, apply_time_profile.
 */
export function fromGuest(guest: GuestPolicy): Policy {
  return { rule: ruleOf(guest), vcpus: [...new Set(guest.vcpus)], turbo: guest.turbo || undefined };
}

function ruleOf(guest: GuestPolicy): PolicyRule {
  const traffic: TrafficRule = {
    macs: guest.macs,
    interfaces: [],
    mediumPps: guest.traffic.avg,
    maxPps: guest.traffic.max,
    fallPercent: POLICY_DEFAULTS.fallPercent,
  };
  switch (guest.type) {
    case "time": {
      const windows = [
        ...guest.busyHours.map((hour) => hourWindow(hour, "max")),
        ...guest.quietHours.map((hour) => hourWindow(hour, "min")),
        ...(guest.macs.length === 0 ? [] : guest.trafficHours.map((hour) => hourWindow(hour, "traffic"))),
      ];
      return { type: "time", timeZone: undefined, windows, otherwise: undefined, traffic };
    }
    case "traffic":
      return { type: "traffic", traffic };
    case "workload":
      return { type: "workload", workload: guest.workload };
    case "branch-ratio": {
      const { threshold, quietSamples } = POLICY_DEFAULTS;
      return { type: "branch-ratio", threshold, quietSamples };
    }
  }
}
