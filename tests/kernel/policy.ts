// One cpufreq policy: who asks for which limits, and what comes of them. Source: drivers/cpufreq/cpufreq.c and freq_table.c of Linux 6.12.

/** What a policy runs at is said in kHz throughout. */
export interface Range {
  min: number;
  max: number;
}

/** "H" is the highest frequency at or below, "L" the lowest at or above. */
export type Relation = "H" | "L";

/** FREQ_QOS_MAX_DEFAULT_VALUE: no limit asked for. Source: include/linux/pm_qos.h. */
export const NO_LIMIT = 2 ** 31 - 1;

/** State of policyN; the driver's own state is the driver's. */
export class Policy {
  /** What the hardware has now: cpuinfo_min_freq and cpuinfo_max_freq. */
  hardware: Range = { min: 0, max: 0 };
  /** What was written to scaling_min_freq and scaling_max_freq: remembered as it is. */
  readonly asked: Range = { min: 0, max: NO_LIMIT };
  /** What the driver itself asks for, beside them (amd-pstate passive, intel_cpufreq). */
  readonly own: Range = { min: 0, max: NO_LIMIT };
  /** What is in force, and what the files show. */
  min = 0;
  max = 0;
  /** Ascending; none for a driver that takes any frequency. */
  table: readonly number[] | undefined;
  governor: string | undefined;
  /** The governor to go on with when a CPU is back. */
  last: string | undefined;
  cur = 0;
  /** Last written to scaling_setspeed. */
  setspeed = 0;
  boost = false;
  /** Readings of the limits that still show the old ones; undefined when what was asked for is in force. */
  late: number | undefined;
  /** The online ones of `related`. */
  readonly cpus = new Set<number>();

  readonly id: number;
  readonly related: readonly number[];

  constructor(id: number, related: readonly number[]) {
    this.id = id;
    this.related = related;
  }

  /** The narrowest of all requests. Source: freq_qos_read_value(), kernel/power/qos.c. */
  requested(): Range {
    return {
      min: Math.max(this.asked.min, this.own.min),
      max: Math.min(this.asked.max, this.own.max),
    };
  }

  /** Takes `wanted`, as verified, over. Source: cpufreq_set_policy(). */
  take(wanted: Range): void {
    this.max = this.resolve(wanted.max, "H", wanted);
    this.min = Math.min(this.resolve(wanted.min, "L", wanted), this.max);
  }

  /** Returns the frequency that the driver would really set. Source: __resolve_freq(), cpufreq_frequency_table_target(). */
  resolve(frequency: number, relation: Relation, within: Range = this): number {
    const target = clamp(frequency, within);
    const allowed = this.table?.filter((entry) => entry >= within.min && entry <= within.max);
    if (!allowed?.length) return target;
    const below = allowed.findLast((entry) => entry <= target);
    const above = allowed.find((entry) => entry >= target);
    return (relation === "H" ? (below ?? above) : (above ?? below)) ?? target;
  }

  /** Brings `wanted` within the hardware, and where there is a table around one of its entries. Source: cpufreq_frequency_table_verify(). */
  verify(wanted: Range, hardware: Range = this.hardware): Range {
    const range = within(wanted, hardware);
    if (!this.table || this.table.some((entry) => entry >= range.min && entry <= range.max)) return range;
    return within({ min: range.min, max: this.table.findLast((entry) => entry <= range.max) ?? 0 }, hardware);
  }
}

/** Returns `range` clipped to `limits`; the maximum wins over the minimum. Source: cpufreq_verify_within_limits(), include/linux/cpufreq.h. */
export function within(range: Range, limits: Range): Range {
  const max = clamp(range.max, limits);
  return { max, min: clamp(range.min, { min: limits.min, max }) };
}

/** Returns `value` moved into `range`. */
export function clamp(value: number, range: Range): number {
  return Math.max(range.min, Math.min(range.max, value));
}
