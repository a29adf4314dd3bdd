// What can be asked of VMs and their channels, a row each.

import { channelChange, channelReports } from "./channels.ts";
import { dryRunAlone } from "./dry-run.ts";
import * as place from "./place.ts";
import { done, type Row } from "./row.ts";
import { pin, vcpuReport, vmChange, vmReport } from "./vms.ts";
import { list } from "./words.ts";

const vm = { vm: place.vm };
const vmChannels = { ...vm, channels: place.channels };

export const VM_ROWS = {
  vms: {
    about: "All VMs.",
    method: "GET",
    path: "vms",
    places: {},
    answer: list(vmReport),
  },
  vm: {
    about: "One VM: its vCPUs, and its settings with where each comes from.",
    no: ["not-found"],
    method: "GET",
    path: "vms/{vm}",
    places: vm,
    answer: vmReport,
  },
  addVm: {
    about: "Takes up a VM that was removed; channels found in the folders are taken up by themselves.",
    no: ["not-found"],
    method: "PUT",
    path: "vms/{vm}",
    places: vm,
    body: dryRunAlone,
    answer: done,
  },
  removeVm: {
    about: "Closes a VM's channels, ends its claims, and ignores it until it is taken up again.",
    no: ["not-found"],
    method: "DELETE",
    path: "vms/{vm}",
    places: vm,
    body: dryRunAlone,
    answer: done,
  },
  changeVm: {
    about: "Changes settings of a VM. Claims that stand already are clipped at once.",
    no: ["not-found", "failed"],
    method: "PATCH",
    path: "vms/{vm}",
    places: vm,
    body: vmChange,
    answer: vmReport,
  },
  pinVcpu: {
    about: "Pins a vCPU.",
    no: ["not-found", "failed"],
    method: "PUT",
    path: "vms/{vm}/vcpus/{vcpu}/pin",
    places: { ...vm, vcpu: place.vcpu },
    body: pin,
    answer: vcpuReport,
  },
  channels: { about: "All channels.", method: "GET", path: "channels", places: {}, answer: channelReports },
  addChannels: {
    about: "Takes up channels that were removed, and answers with the VM's channels.",
    no: ["not-found"],
    method: "PUT",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    body: dryRunAlone,
    answer: channelReports,
  },
  removeChannels: {
    about: "Closes channels and ignores them until they are taken up again.",
    no: ["not-found"],
    method: "DELETE",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    body: dryRunAlone,
    answer: done,
  },
  enableChannels: {
    about: "Lets channels' packets be served, or read and ignored.",
    no: ["not-found"],
    method: "PATCH",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    body: channelChange,
    answer: done,
  },
} as const satisfies Readonly<Record<string, Row>>;
