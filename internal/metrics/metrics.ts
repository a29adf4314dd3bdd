// Every metric there is, with its labels: dashboards, alerts and the manual are held to this table, so that none asks for what is not there.

interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence without its full stop. */
  readonly help: string;
  /** Which labels its series have; each has a bounded set of values. */
  readonly labels: readonly string[];
}

/** Metrics by name: node_exporter's style, base units (seconds, hertz, bytes). */
export const METRICS = {
  powermon_build_info: {
    type: "gauge",
    help: "Always 1; which powermon runs, and on which Bun",
    labels: ["version", "bun"],
  },
  process_start_time_seconds: { type: "gauge", help: "When powermon started, in Unix time", labels: [] },
  process_resident_memory_bytes: { type: "gauge", help: "Memory of powermon that is in RAM", labels: [] },
  process_cpu_seconds_total: {
    type: "counter",
    help: "CPU time that powermon used, user and system",
    labels: [],
  },
  powermon_event_loop_lag_seconds: {
    type: "histogram",
    help: "How late the upkeep came, each s or 0.5 s",
    labels: [],
  },
  powermon_vms: { type: "gauge", help: "VMs with a channel", labels: [] },
  powermon_channels: { type: "gauge", help: "Channels by VM and state", labels: ["vm", "state"] },
  powermon_channel_reconnects_total: {
    type: "counter",
    help: "Times a channel was connected again",
    labels: ["vm"],
  },
  powermon_requests_total: {
    type: "counter",
    help: "Requests served, by what was asked and what came of it",
    labels: ["vm", "command", "outcome"],
  },
  powermon_request_refusals_total: {
    type: "counter",
    help: "Requests refused, by reason; kind is denied, rate-limited or unable",
    labels: ["vm", "kind", "reason"],
  },
  powermon_request_duration_seconds: {
    type: "histogram",
    help: "From a request received to its answer sent",
    labels: [],
  },
  powermon_frames_malformed_total: {
    type: "counter",
    help: "Frames that were no request powermon knows",
    labels: ["vm"],
  },
  powermon_unknown_commands_total: {
    type: "counter",
    help: "Frames with a command that powermon does not know, by its number; other is those above 255 and past 16 of a VM",
    labels: ["vm", "command"],
  },
  powermon_frames_ignored_total: {
    type: "counter",
    help: "Frames that came while their channel was disabled",
    labels: ["vm"],
  },
  powermon_frames_dropped_total: {
    type: "counter",
    help: "Frames given up because they stayed incomplete",
    labels: ["vm"],
  },
  powermon_stream_resyncs_total: {
    type: "counter",
    help: "Times a stream that had fallen out of step was healed",
    labels: ["vm"],
  },
  powermon_bytes_discarded_total: {
    type: "counter",
    help: "Bytes that became part of no frame",
    labels: ["vm"],
  },
  powermon_replies_dropped_total: {
    type: "counter",
    help: "Replies that a guest had no room for because it does not read",
    labels: ["vm"],
  },
  powermon_claims: { type: "gauge", help: "Wishes that stand, by who made them", labels: ["by"] },
  powermon_vcpu_wanted_hertz: {
    type: "gauge",
    help: "What a vCPU that has a claim wishes",
    labels: ["vm", "vcpu"],
  },
  powermon_vcpu_effective_hertz: {
    type: "gauge",
    help: "What the clock of a vCPU that has a claim is set to",
    labels: ["vm", "vcpu"],
  },
  powermon_domains: { type: "gauge", help: "Domains of this host: CPUs that share a clock", labels: [] },
  powermon_domain_wanted_hertz: {
    type: "gauge",
    help: "The wish that decides a claimed domain, before limits",
    labels: ["domain"],
  },
  powermon_domain_effective_hertz: {
    type: "gauge",
    help: "What a claimed domain is set to",
    labels: ["domain"],
  },
  powermon_domain_time_in_state_seconds_total: {
    type: "counter",
    help: "Time that powermon held a domain at a frequency",
    labels: ["domain", "hertz"],
  },
  powermon_cpu_busy_seconds_total: {
    type: "counter",
    help: "Time that a CPU was busy since it booted, by /proc/stat; domain is that of its clock",
    labels: ["cpu", "domain"],
  },
  powermon_domain_measured_hertz: {
    type: "gauge",
    help: "What the hardware of a busy domain ran at, where reading it wakes no CPU",
    labels: ["domain"],
  },
  powermon_package_energy_joules_total: {
    type: "counter",
    help: "Energy of a package since the first scrape",
    labels: ["package"],
  },
  powermon_temperature_celsius: {
    type: "gauge",
    help: "Temperature of a package",
    labels: ["sensor"],
  },
  powermon_policy_evaluations_total: {
    type: "counter",
    help: "Evaluations of policies' rules, by type of policy",
    labels: ["type"],
  },
  powermon_frequency_writes_total: {
    type: "counter",
    help: "Changes of a domain's frequency that were written, also those that failed",
    labels: [],
  },
  powermon_frequency_write_errors_total: {
    type: "counter",
    help: "Changes of a domain's frequency that failed, by errno",
    labels: ["errno"],
  },
  powermon_hung_files: {
    type: "gauge",
    help: "Files of the kernel that are left alone, since a call on them did not return",
    labels: [],
  },
  powermon_drifts_total: {
    type: "counter",
    help: "Times another tool had changed a claimed frequency",
    labels: [],
  },
  powermon_drift_corrections_total: {
    type: "counter",
    help: "Times a claimed frequency was set again after that",
    labels: [],
  },
  powermon_budget_watts: { type: "gauge", help: "Watts that the host may draw", labels: [] },
  powermon_budget_drawn_watts: {
    type: "gauge",
    help: "Watts that the budget's meter showed last; absent while it is lost",
    labels: [],
  },
  powermon_budget_floor_watts: {
    type: "gauge",
    help: "Watts that would be drawn with all clocks at their floors, as far as it is known",
    labels: [],
  },
  powermon_budget_headroom_share: {
    type: "gauge",
    help: "How much of its headroom above the floors each priority may use, 0 to 1",
    labels: ["priority"],
  },
  powermon_budget_over_seconds_total: {
    type: "counter",
    help: "Time in which more was drawn than the budget",
    labels: [],
  },
  powermon_budget_floors_too_high: {
    type: "gauge",
    help: "Whether all clocks are at their floors and that is more than the budget",
    labels: [],
  },
  powermon_budget_meter_lost: {
    type: "gauge",
    help: "Whether the budget's meter is gone, frozen or absurd, and clocks have their fallback",
    labels: [],
  },
  powermon_budget_ceiling_writes_total: {
    type: "counter",
    help: "Ceilings of the budget that were written",
    labels: [],
  },
  powermon_budget_ceiling_hertz: {
    type: "gauge",
    help: "Lowest ceiling of the budget on a VM's clocks; /host stands for CPUs without a VM",
    labels: ["vm", "priority"],
  },
  powermon_budget_lost_hertz: {
    type: "gauge",
    help: "What a VM's clocks are kept below their wish for the budget, added up",
    labels: ["vm", "priority"],
  },
  powermon_fleet_granted_watts: {
    type: "gauge",
    help: "Watts that the group's leader grants this host; absent while no grant holds",
    labels: ["group"],
  },
  powermon_fleet_fallback_watts: {
    type: "gauge",
    help: "Watts that this host may draw while no grant holds",
    labels: ["group"],
  },
  powermon_fleet_leads: { type: "gauge", help: "Whether this host leads its group", labels: ["group"] },
  powermon_fleet_silent: {
    type: "gauge",
    help: "Whether the fleet's etcd leaves this host without an answer",
    labels: ["group"],
  },
  powermon_dropped_series: {
    type: "gauge",
    help: "Series left out of this answer because their metric has too many",
    labels: ["metric"],
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
type NameOf<T extends Metric["type"]> = {
  [N in MetricName]: (typeof METRICS)[N]["type"] extends T ? N : never;
}[MetricName];
/** Metrics that have one value a series. */
export type NumberName = NameOf<"counter" | "gauge">;
export type HistogramName = NameOf<"histogram">;
/** A value for each label of metric `N`. */
export type LabelsOf<N extends MetricName> = Values<(typeof METRICS)[N]["labels"]>;
type Values<L extends readonly string[]> = { readonly [K in keyof L]: string | number };
