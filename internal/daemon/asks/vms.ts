// VMs: shown with their vCPUs and settings, taken up, let go, changed and pinned.

import type { Handlers } from "../../api/table.ts";
import type { SettingChange, VcpuReport, VmReport } from "../../api/vms.ts";
import type { Vm } from "../../channels/vm.ts";
import { type VmConfig, vmConfig } from "../../config/effective.ts";
import type { Provenance } from "../../config/merge.ts";
import { setAffinity } from "../../os/libc.ts";
import { readVcpuThreads } from "../../pinning/proc.ts";
import { type Answer, no } from "../../values/answer.ts";
import { formatCpuList } from "../../values/cpulist.ts";
import { pcpu } from "../../values/units.ts";
import { explain } from "../../values/refusal.ts";
import { DONE, ok, type Result } from "../../values/result.ts";
import type { Changes } from "../changes.ts";
import type { Host } from "../host.ts";
import { sumCounts } from "./channels.ts";
import { refusalOf } from "./refusals.ts";

/** Most vCPUs that a report lists one by one. */
const MAX_LISTED = 512;
const NO_THREADS: ReadonlyMap<number, number> = new Map();

export interface Pinning {
  readonly procRoot: string;
  /** Pins through libvirt when the VM is libvirt's; undefined when it is not. */
  pinByLibvirt(vm: string, vcpu: number, cpuList: string): Promise<Result<void, string> | undefined>;
}

export function vmAsks(host: Host, changes: Changes, { procRoot, pinByLibvirt }: Pinning) {
  const { channels } = host;
  const noVm = (name: string): Answer<never> => {
    const known = [...channels.vms].map((one) => one.vm).sort();
    const instead = known.length === 0 ? "none is connected" : `there are ${known.slice(0, 20).join(", ")}`;
    return no("not-found", `There is no VM ${JSON.stringify(name)}; ${instead}.`);
  };
  const vm = ({ vm: name }: { readonly vm: string }) => {
    const found = channels.vm(name);
    return found === undefined ? noVm(name) : ok(vmReport(host, found));
  };
  return {
    vm,

    vms: () => ok([...channels.vms].map((one) => vmReport(host, one))),

    addVm: ({ vm: name }) =>
      channels.addVm(name)
        ? DONE
        : no("not-found", `VM ${JSON.stringify(name)} has no socket in ${channels.dirs.join(", ")}.`),

    removeVm: ({ vm: name }) => (channels.removeVm(name) ? DONE : noVm(name)),

    changeVm({ vm: name, save, dryRun, ...change }) {
      const found = channels.vm(name);
      if (found === undefined) return noVm(name);
      if (dryRun) {
        const tried = changes.try(name, change);
        if (!tried.ok) return tried;
        const settings = vmConfig(tried.value, name);
        return ok({ ...vmReport(host, found), changes: changesOf(found.settings, settings) });
      }
      const made = changes.make(name, change, save);
      if (!made.ok) return made;
      host.configure(made.value);
      host.events.emit("vm-changed", { vm: name, ...change, saved: save });
      return vm({ vm: name });
    },

    async pinVcpu({ vm: name, vcpu, pcpus }) {
      const found = channels.vm(name);
      if (found === undefined) return noVm(name);
      const noVcpu = (count: number) =>
        no("not-found", `VM ${JSON.stringify(name)} has no vCPU ${vcpu}; it has ${count}, counted from 0.`);
      const { placement } = found.find(vcpu);
      if (placement.kind === "absent") return noVcpu(placement.count);
      const present = host.cpufreq.topology.present();
      const absent = present.ok ? pcpus.filter((cpu) => !present.value.includes(pcpu(cpu))) : [];
      if (present.ok && absent.length > 0) {
        const there = formatCpuList(present.value);
        return no("not-found", `CPU ${formatCpuList(absent)} is not on this machine; it has CPUs ${there}.`);
      }
      const byLibvirt = await pinByLibvirt(name, vcpu, pcpus.join(","));
      if (byLibvirt?.ok === false) return no("failed", byLibvirt.error);
      if (byLibvirt === undefined) {
        const { pid } = found;
        const threads = pid === undefined ? NO_THREADS : readVcpuThreads(procRoot, pid);
        const tid = threads.get(vcpu);
        if (tid === undefined && threads.size > 0) return noVcpu(threads.size);
        if (tid === undefined && !knownVcpus(host, found).includes(vcpu))
          return no("not-found", `VM ${JSON.stringify(name)} has no vCPU ${vcpu} that is known of.`);
        if (tid === undefined)
          return no(
            "failed",
            `VM ${JSON.stringify(name)} has no thread for vCPU ${vcpu} that could be pinned.`,
          );
        const pinned = setAffinity(tid, pcpus);
        if (!pinned.ok) return no("failed", `${pinned.error}.`);
      }
      found.forgetPlaces();
      host.upkeep.look();
      return ok(vcpuReport(host, found, vcpu));
    },
  } satisfies Pick<Handlers, "vms" | "vm" | "addVm" | "removeVm" | "changeVm" | "pinVcpu">;
}

/** Returns a VM with its vCPUs, counters and settings, and where each setting came from. */
function vmReport(host: Host, vm: Vm): VmReport {
  const channels = host.channels.of(vm.vm);
  return {
    vm: vm.vm,
    pid: vm.pid,
    channels: channels.map(({ index }) => index),
    vcpus: knownVcpus(host, vm).map((vcpu) => vcpuReport(host, vm, vcpu)),
    counts: sumCounts(channels),
    settings: settingsOf(vm.settings),
  };
}

/** Returns settings with where each comes from. */
function settingsOf({ origins, rate, ...settings }: VmConfig): VmReport["settings"] {
  return {
    queries: { value: settings.queries, from: from(origins.queries) },
    turbo: { value: settings.turbo, from: from(origins.turbo) },
    floor: { value: settings.floor, from: from(origins.floor) },
    ceiling: { value: settings.ceiling, from: from(origins.ceiling) },
    commands: { value: [...settings.commands], from: from(origins.commands) },
    requestsPerSecond: { value: rate.requestsPerSecond, from: from(origins["rate.requests_per_second"]) },
    burst: { value: rate.burst, from: from(origins["rate.burst"]) },
    wire: { value: settings.wire, from: from(origins.wire) },
    leaseS: { value: settings.leaseS, from: from(origins.lease_s) },
  };
}

/** Returns which settings differ, in value or in where they come from. */
function changesOf(old: VmConfig, young: VmConfig): readonly SettingChange[] {
  const other: Readonly<Record<string, SettingChange["after"]>> = settingsOf(young);
  return Object.entries(settingsOf(old)).flatMap(([setting, before]) => {
    const after = other[setting];
    return after === undefined || JSON.stringify(before) === JSON.stringify(after)
      ? []
      : [{ setting, before, after }];
  });
}

function from(origin: Provenance): string {
  return origin.from === "default" || origin.from === "flags" || origin.from === "runtime"
    ? origin.from
    : origin.file;
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

/** Returns one vCPU's place, wish and last refusal. */
function vcpuReport(host: Host, vm: Vm, vcpu: number): VcpuReport {
  const { placement, source, granted } = vm.find(vcpu);
  const placed = placement.kind === "placed" ? placement : undefined;
  const first = placed?.domains[0];
  const refusal = vm.lastRefusal(vcpu);
  return {
    vcpu,
    pcpus: placed?.pcpus ?? [],
    why: granted.ok ? undefined : explain(granted.error),
    source,
    domains: placed?.domains ?? [],
    wishKhz: host.ledger.claim("guest", vm.vm, vcpu)?.level.khz,
    targetKhz: first === undefined ? undefined : host.cpufreq.domainById(first)?.target,
    lastRefusal: refusal && refusalOf(refusal),
  };
}
