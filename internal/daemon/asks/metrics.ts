// The host's state and counters as metrics: read when somebody asks, never kept.

import { Snapshot } from "../../metrics/snapshot.ts";
import type { HostBudget } from "../budget/host-budget.ts";
import { addBudget } from "./budget-metrics.ts";
import type { Host, HostFleet } from "../host.ts";
import { KIND_OF_REFUSAL } from "../../channels/vm-meter.ts";
import type { Vm } from "../../channels/vm.ts";
import type { MachineSample } from "../../power/machine-look.ts";

const STARTED_S = Date.now() / 1000 - process.uptime();
const HZ_PER_KHZ = 1000;

/** Returns all metrics of a host as they are now; no file is read. @param machine what its CPUs do, where that was read */
export function readMetrics(
  host: Host,
  version: string,
  machine?: MachineSample,
  budget?: HostBudget,
): Snapshot {
  const snapshot = new Snapshot();
  const { channels, cpufreq, ledger, upkeep, writes, durations } = host;
  const { user, system } = process.cpuUsage();
  snapshot.add("powermon_build_info", 1, version, Bun.version);
  snapshot.add("process_start_time_seconds", STARTED_S);
  snapshot.add("process_resident_memory_bytes", process.memoryUsage.rss());
  snapshot.add("process_cpu_seconds_total", (user + system) / 1e6);
  snapshot.addHistogram("powermon_event_loop_lag_seconds", upkeep.lag);
  snapshot.addHistogram("powermon_request_duration_seconds", durations);
  const vms = [...channels.vms];
  snapshot.add("powermon_vms", vms.length);
  for (const vm of vms) addVm(snapshot, host, vm);
  for (const vm of vms) addZeros(snapshot, vm);

  const by = { guest: 0, policy: 0, fifo: 0, operator: 0 };
  for (const claim of ledger.claims()) {
    by[claim.claimant.by]++;
    if (claim.operator) continue;
    const { vm, vcpu, domains } = claim.grant;
    snapshot.add("powermon_vcpu_wanted_hertz", claim.level.khz * HZ_PER_KHZ, vm, vcpu);
    const target = domains[0] === undefined ? undefined : cpufreq.domainById(domains[0])?.target;
    if (target !== undefined) snapshot.add("powermon_vcpu_effective_hertz", target * HZ_PER_KHZ, vm, vcpu);
  }
  for (const [who, count] of Object.entries(by)) snapshot.add("powermon_claims", count, who);

  snapshot.add("powermon_domains", cpufreq.domains.length);
  for (const domain of cpufreq.domains) {
    const decision = ledger.decide(domain);
    if (decision === undefined) continue;
    snapshot.add("powermon_domain_wanted_hertz", decision.winner.level.khz * HZ_PER_KHZ, domain.id);
    const { target } = domain;
    if (target !== undefined) snapshot.add("powermon_domain_effective_hertz", target * HZ_PER_KHZ, domain.id);
  }
  if (machine !== undefined) addMachine(snapshot, host, machine);
  for (const { id, khz, s } of writes.timeInState(performance.now())) {
    snapshot.add("powermon_domain_time_in_state_seconds_total", s, id, khz * HZ_PER_KHZ);
  }
  for (const [type, count] of Object.entries(host.policies.evaluations)) {
    snapshot.add("powermon_policy_evaluations_total", count, type);
  }
  snapshot.add("powermon_frequency_writes_total", writes.writes);
  for (const [errno, count] of writes.errors)
    snapshot.add("powermon_frequency_write_errors_total", count, errno);
  snapshot.add("powermon_hung_files", host.hung?.all.length ?? 0);
  snapshot.add("powermon_drifts_total", upkeep.drifts);
  snapshot.add("powermon_drift_corrections_total", upkeep.corrections);
  if (budget !== undefined) addBudget(snapshot, budget);
  if (host.fleet !== undefined) addFleet(snapshot, host.fleet);
  return snapshot;
}

function addFleet(snapshot: Snapshot, { group, state }: HostFleet): void {
  if (state.grant !== undefined) snapshot.add("powermon_fleet_granted_watts", state.grant, group);
  snapshot.add("powermon_fleet_fallback_watts", state.fallback, group);
  snapshot.add("powermon_fleet_leads", state.leads ? 1 : 0, group);
  snapshot.add("powermon_fleet_silent", state.problem === undefined ? 0 : 1, group);
}

function addMachine(snapshot: Snapshot, { cpufreq }: Host, machine: MachineSample): void {
  for (const domain of cpufreq.domains)
    for (const cpu of domain.pcpus) {
      const s = machine.busyS.get(cpu);
      if (s !== undefined) snapshot.add("powermon_cpu_busy_seconds_total", s, cpu, domain.id);
    }
  for (const [domain, { measuredKhz }] of machine.clocks)
    if (measuredKhz !== undefined)
      snapshot.add("powermon_domain_measured_hertz", measuredKhz * HZ_PER_KHZ, domain);
  for (const { name, joules } of machine.packages)
    snapshot.add("powermon_package_energy_joules_total", joules, name);
  for (const { name, celsius } of machine.temperatures)
    snapshot.add("powermon_temperature_celsius", celsius, name);
}

function addVm(snapshot: Snapshot, host: Host, { vm, meter }: Vm): void {
  const channels = host.channels.of(vm);
  const states = new Map<string, number>([["connected", 0]]);
  for (const { state } of channels) states.set(state, (states.get(state) ?? 0) + 1);
  for (const [state, count] of states) snapshot.add("powermon_channels", count, vm, state);
  for (const [command, outcomes] of Object.entries(meter.requests)) {
    for (const [outcome, count] of Object.entries(outcomes)) {
      if (count > 0) snapshot.add("powermon_requests_total", count, vm, command, outcome);
    }
  }
  for (const reason of Object.keys(KIND_OF_REFUSAL) as (keyof typeof KIND_OF_REFUSAL)[]) {
    const count = meter.refusals[reason];
    if (count > 0)
      snapshot.add("powermon_request_refusals_total", count, vm, KIND_OF_REFUSAL[reason], reason);
  }
  const totals = meter.totals(channels);
  snapshot.add("powermon_channel_reconnects_total", totals.reconnects, vm);
  snapshot.add("powermon_frames_malformed_total", totals.malformed, vm);
  snapshot.add("powermon_frames_ignored_total", totals.ignored, vm);
  snapshot.add("powermon_frames_dropped_total", totals.dropped, vm);
  snapshot.add("powermon_stream_resyncs_total", totals.resyncs, vm);
  snapshot.add("powermon_bytes_discarded_total", totals.discardedBytes, vm);
  for (const [command, count] of meter.unknownCommands)
    snapshot.add("powermon_unknown_commands_total", count, vm, command);
  snapshot.add("powermon_replies_dropped_total", totals.repliesDropped, vm);
}

/** What alerts watch is there before its first time, when all that did happen has its place. */
function addZeros(snapshot: Snapshot, { vm, meter }: Vm): void {
  for (const [reason, kind] of Object.entries(KIND_OF_REFUSAL)) {
    const isNew = meter.refusals[reason as keyof typeof KIND_OF_REFUSAL] === 0;
    if (isNew && kind !== "unable") snapshot.addZero("powermon_request_refusals_total", vm, kind, reason);
  }
}
