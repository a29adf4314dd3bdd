// What the daemon knows, as plain data for those who ask over the control socket.

import { clip } from "../../claims/arbitrate.ts";
import type { Provenance } from "../../config/merge.ts";
import { explain } from "../../values/refusal.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import type { Channel } from "../../channels/channel.ts";
import type { ChannelCounts } from "../../channels/channel-counts.ts";
import type { Host } from "../host.ts";
import type { Claim } from "../../claims/claim.ts";
import type { PastRefusal, Vm } from "../../channels/vm.ts";

/** Most vCPUs that a report lists one by one. */
const MAX_LISTED = 512;

/** Returns the sum of the counters of `channels`. */
export function sumCounts(
  channels: Iterable<Channel>,
): Record<keyof ChannelCounts | "dropped" | "resyncs", number> {
  const sum: Record<string, number> = {};
  for (const { counts, framing } of channels) {
    for (const [key, count] of Object.entries({ ...counts, ...framing })) sum[key] = (sum[key] ?? 0) + count;
  }
  return sum as Record<keyof ChannelCounts | "dropped" | "resyncs", number>;
}

/** Returns a channel as it stands now. */
export function channelReport(channel: Channel) {
  return {
    vm: channel.vm.vm,
    channel: channel.index,
    path: channel.path,
    state: channel.state,
    enabled: channel.enabled,
    generation: channel.generation,
    counts: { ...channel.counts, ...channel.framing },
  };
}

/** Returns a claim and what its VM's limits leave of it on `domain`. */
export function claimReport(claim: Claim, domain: Domain) {
  const { vm, vcpu } = claim.grant;
  return {
    by: claim.claimant.by,
    vm: vm === "" ? undefined : vm,
    vcpu: vm === "" ? undefined : vcpu,
    wishKhz: claim.level.khz,
    turbo: claim.level.turbo,
    clippedKhz: clip(claim.level.khz, claim.limitsIn(domain.id)),
  };
}

/** Returns a refusal with its time in ISO 8601. */
export function refusalReport({ at, message }: PastRefusal) {
  return { at: new Date(at).toISOString(), message };
}

/** Returns one vCPU's place, wish and last refusal. */
export function vcpuReport(host: Host, vm: Vm, vcpu: number) {
  const { placement, source } = vm.find(vcpu);
  const placed = placement.kind === "placed" ? placement : undefined;
  const first = placed?.domains[0];
  const refusal = vm.lastRefusal(vcpu);
  return {
    vcpu,
    pcpus: placed?.pcpus ?? [],
    why: placed === undefined ? whyNot(vm, vcpu) : undefined,
    source,
    domains: placed?.domains ?? [],
    wishKhz: host.ledger.claim("guest", vm.vm, vcpu)?.level.khz,
    targetKhz: first === undefined ? undefined : host.cpufreq.domainById(first)?.target,
    lastRefusal: refusal && refusalReport(refusal),
  };
}

function whyNot(vm: Vm, vcpu: number): string {
  const place = vm.placement(vcpu);
  switch (place.kind) {
    case "floating":
      return explain({ kind: "floating", vm: vm.vm, vcpu, pcpus: place.pcpus });
    case "no-cpufreq":
      return explain({ kind: "no-cpufreq", vm: vm.vm, vcpu, pcpu: place.pcpu });
    case "absent":
      return explain({ kind: "no-such-vcpu", vm: vm.vm, vcpu, count: place.count });
    default:
      return explain({
        kind: "not-pinned",
        vm: vm.vm,
        vcpu,
        why: place.kind === "unpinned" ? place.why : "",
      });
  }
}

/** Returns the vCPUs that are known of: those with a place, a channel or a refusal. */
function knownVcpus(host: Host, vm: Vm): readonly number[] {
  const known = new Set<number>(host.channels.of(vm.vm).map(({ index }) => index));
  for (const vcpu of vm.settings.pins.keys()) known.add(vcpu);
  const beyond = vm.placement(MAX_LISTED);
  if (beyond.kind === "absent") {
    // The VM's process tells how many there are.
    for (const vcpu of known) if (vcpu >= beyond.count) known.delete(vcpu);
    for (let vcpu = 0; vcpu < Math.min(beyond.count, MAX_LISTED); vcpu++) known.add(vcpu);
  }
  return [...known].sort((a, b) => a - b).slice(0, MAX_LISTED);
}

function from(origin: Provenance): string {
  return origin.from === "file" || origin.from === "drop-in" ? origin.file : origin.from;
}

/** Returns a VM with its vCPUs, counters and settings, and where each setting came from. */
export function vmReport(host: Host, vm: Vm) {
  const { settings } = vm;
  const channels = host.channels.of(vm.vm);
  const { origins } = settings;
  return {
    vm: vm.vm,
    pid: vm.pid,
    channels: channels.map(({ index }) => index),
    vcpus: knownVcpus(host, vm).map((vcpu) => vcpuReport(host, vm, vcpu)),
    counts: sumCounts(channels),
    settings: {
      queries: { value: settings.queries, from: from(origins.queries) },
      turbo: { value: settings.turbo, from: from(origins.turbo) },
      floor: { value: settings.floor, from: from(origins.floor) },
      ceiling: { value: settings.ceiling, from: from(origins.ceiling) },
      commands: { value: [...settings.commands], from: from(origins.commands) },
      requestsPerSecond: {
        value: settings.rate.requestsPerSecond,
        from: from(origins["rate.requests_per_second"]),
      },
      burst: { value: settings.rate.burst, from: from(origins["rate.burst"]) },
      wire: { value: settings.wire, from: from(origins.wire) },
      leaseS: { value: settings.leaseS, from: from(origins.lease_s) },
    },
  };
}

/** Returns a pCPU's clock as it stands. */
export function freqReport(host: Host, cpu: number, domain: Domain) {
  const current = domain.current();
  return {
    cpu,
    policy: domain.id as number,
    driver: domain.driver,
    governor: domain.governor(),
    targetKhz: domain.target as number | undefined,
    currentKhz: current.ok ? (current.value as number) : undefined,
    minKhz: domain.table.steps.at(-1) as number,
    nominalKhz: domain.table.steps[domain.table.nominal] as number,
    maxKhz: domain.table.steps[0] as number,
    turbo: domain.hasTurbo,
    frequenciesKhz: domain.table.steps as readonly number[],
    operatorClaim: host.ledger.claim("operator", "", cpu) !== undefined,
  };
}
