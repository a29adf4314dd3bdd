// VMs: shown with their vCPUs and settings, taken up, let go, changed and pinned.

import type { Handlers, Rehearsals } from "../../api/table.ts";
import type { SettingChange, VcpuReport, VmReport } from "../../api/vms.ts";
import type { Vm } from "../../channels/vm.ts";
import { type VmConfig, vmConfig } from "../../config/effective.ts";
import type { Provenance } from "../../config/merge.ts";
import { setAffinity } from "../../os/libc.ts";
import { type Answer, no } from "../../values/answer.ts";
import { pcpu } from "../../values/units.ts";
import { explain } from "../../values/refusal.ts";
import { DONE, ok, type Result } from "../../values/result.ts";
import type { Changes } from "../changes.ts";
import type { Host } from "../host.ts";
import { knownVcpus, noVm, pinnable, threadOf, tryPin } from "../pin-vcpu.ts";
import { tryConfig } from "../rehearsal/try-config.ts";
import { tryAdding, tryRemoving } from "../rehearsal/try-vms.ts";
import { sumCounts } from "./channels.ts";
import { refusalOf } from "./refusals.ts";

export interface Pinning {
  readonly procRoot: string;
  /** Resolves to whether a VM is libvirt's. */
  isLibvirts(vm: string): Promise<boolean>;
  /** Pins through libvirt when the VM is libvirt's; undefined when it is not. */
  pinByLibvirt(vm: string, vcpu: number, cpuList: string): Promise<Result<void, string> | undefined>;
}

export function vmAsks(host: Host, changes: Changes, { procRoot, pinByLibvirt }: Pinning) {
  const { channels } = host;
  const vm = ({ vm: name }: { readonly vm: string }) => {
    const found = channels.vm(name);
    return found === undefined ? noVm(host, name) : ok(vmReport(host, found));
  };
  return {
    vm,

    vms: () => ok([...channels.vms].map((one) => vmReport(host, one))),

    addVm: ({ vm: name }) => (channels.addVm(name) ? DONE : noSocket(host, name)),

    removeVm: ({ vm: name }) => (channels.removeVm(name) ? DONE : noVm(host, name)),

    changeVm({ vm: name, save, dryRun, ...change }, _gone?: AbortSignal, user?: string) {
      const found = channels.vm(name);
      if (found === undefined) return noVm(host, name);
      if (dryRun) {
        const tried = changes.try(name, change, save);
        if (!tried.ok) return tried;
        const settings = vmConfig(tried.value, name);
        const { clocks, warnings } = tryConfig(host, tried.value);
        const report = vmReport(host, found);
        return ok({ ...report, changes: changesOf(found.settings, settings), clocks, warnings });
      }
      const made = changes.make(name, change, save);
      if (!made.ok) return made;
      host.configure(made.value, user);
      host.events.emit("vm-changed", { vm: name, ...change, saved: save, user });
      return vm({ vm: name });
    },

    async pinVcpu({ vm: name, vcpu, pcpus }) {
      const found = pinnable(host, name, vcpu, pcpus);
      if (!found.ok) return found;
      const byLibvirt = await pinByLibvirt(name, vcpu, pcpus.join(","));
      if (byLibvirt?.ok === false) return no("failed", byLibvirt.error);
      if (byLibvirt === undefined) {
        const tid = threadOf(host, procRoot, found.value, vcpu);
        if (!tid.ok) return tid;
        const pinned = setAffinity(tid.value, pcpus);
        if (!pinned.ok) return no("failed", `${pinned.error}.`);
      }
      found.value.forgetPlaces();
      host.upkeep.look();
      return ok(vcpuReport(host, found.value, vcpu));
    },
  } satisfies Pick<Handlers, "vms" | "vm" | "addVm" | "removeVm" | "changeVm" | "pinVcpu">;
}

/** Returns who tells what would happen to VMs. */
export function vmRehearsals(host: Host, { procRoot, isLibvirts }: Omit<Pinning, "pinByLibvirt">) {
  return {
    addVm: ({ vm }) => tryAdding(host, vm, "all") ?? noSocket(host, vm),

    removeVm: ({ vm }) => tryRemoving(host, vm, "all") ?? noVm(host, vm),

    async pinVcpu({ vm: name, vcpu, pcpus }) {
      const found = pinnable(host, name, vcpu, pcpus);
      if (!found.ok) return found;
      const vm = found.value;
      const tid = (await isLibvirts(name)) ? DONE : threadOf(host, procRoot, vm, vcpu);
      return tid.ok ? tryPin(host, vm, vcpu, pcpus.map(pcpu)) : tid;
    },
  } satisfies Pick<Rehearsals, "addVm" | "removeVm" | "pinVcpu">;
}

const noSocket = ({ channels }: Host, name: string): Answer<never> =>
  no("not-found", `VM ${JSON.stringify(name)} has no socket in ${channels.dirs.join(", ")}.`);

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
    priority: { value: settings.priority, from: from(origins.priority) },
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
