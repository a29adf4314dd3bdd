// powermon vm: everything about single VMs.

import * as v from "valibot";
import { cpuNumbers } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { table } from "../../internal/output/table.ts";
import { formatCpuList } from "../../internal/values/cpulist.ts";
import { loaded } from "../loaded.ts";
import { askCommand } from "./ask-command.ts";
import { cell, onOff, vcpuNumber, VM_ARG, vmName } from "./control.ts";
import { showVm } from "./vm/text.ts";

const ONE_VM = { args: { vm: VM_ARG }, means: v.object({ vm: vmName }) } as const;

export default defineCommand({
  meta: { name: "vm", summary: "list, show, pin and limit VMs" },
  commands: {
    ...loaded(
      askCommand("vms", {
        meta: {
          name: "list",
          summary: "list the VMs that powermon serves",
          details: "PLACED counts the vCPUs whose pCPUs are known.",
          examples: ["powermon vm list", "powermon vm list --json"],
        },
        show: (vms) =>
          vms.length === 0
            ? "No VMs."
            : table([
                ["VM", "PID", "CHANNELS", "VCPUS", "PLACED", "QUERIES"],
                ...vms.map(({ vm, pid, channels, vcpus, settings }) => [
                  vm,
                  cell(pid),
                  String(channels.length),
                  String(vcpus.length),
                  String(vcpus.filter(({ pcpus }) => pcpus.length > 0).length),
                  settings.queries.value ? "on" : "off",
                ]),
              ]),
      }),
      askCommand("vm", {
        meta: {
          name: "show",
          summary: "show a VM's vCPUs, wishes, channels and settings, and who said each setting",
          examples: ["powermon vm show vm1", "powermon vm show vm1 --json"],
        },
        ...ONE_VM,
        show: showVm,
      }),
      askCommand("addVm", {
        meta: {
          name: "add",
          summary: "serve a VM again that was removed",
          details: "A VM whose channels appear in a channel folder is served without being asked for.",
          examples: ["powermon vm add vm1"],
        },
        ...ONE_VM,
        show: (_, { vm }) => `${vm}: added`,
      }),
      askCommand("removeVm", {
        meta: {
          name: "remove",
          summary: "serve a VM no longer: its channels are closed and its claims end",
          examples: ["powermon vm remove vm1"],
        },
        ...ONE_VM,
        show: (_, { vm }) => `${vm}: removed`,
      }),
      askCommand("pinVcpu", {
        meta: {
          name: "pin",
          summary: "pin a vCPU to a pCPU",
          details:
            "Through libvirt, running and stored definition, when the VM is libvirt's; else the vCPU's thread is pinned until the VM stops.",
          examples: ["powermon vm pin vm1 0 4", "powermon vm pin vm1 1 4-5"],
        },
        args: {
          vm: VM_ARG,
          vcpu: { type: "positional", valueHint: "VCPU", description: "the vCPU's number in the VM" },
          pcpu: { type: "positional", valueHint: "PCPU", description: "the host's CPU, or a list of them" },
        },
        means: v.pipe(
          v.object({ vm: vmName, vcpu: vcpuNumber, pcpu: cpuNumbers }),
          v.transform(({ vm, vcpu, pcpu }) => ({ vm, vcpu, pcpus: pcpu })),
        ),
        show: ({ pcpus, source }, { vm, vcpu }) =>
          `${vm}: vCPU ${vcpu} is on pCPU ${formatCpuList(pcpus) || "none"}${source === undefined ? "" : ` (${source})`}`,
      }),
      askCommand("changeVm", {
        meta: {
          name: "query",
          summary: "let a VM's guest ask for its frequencies and capabilities, or not",
          examples: ["powermon vm query vm1 on", "powermon vm query vm1 off --save"],
        },
        args: {
          vm: VM_ARG,
          queries: {
            type: "positional",
            options: ["on", "off"],
            description: "whether queries are answered",
          },
          save: { type: "boolean", description: "keep it over a restart of powermon" },
        },
        means: v.object({ vm: vmName, queries: onOff, save: v.boolean() }),
        show: ({ settings: { queries } }, { vm, save }) =>
          `${vm}: queries ${queries.value ? "on" : "off"} (${save ? queries.from : "until powermon restarts"})`,
      }),
    ),
    limits: () => import("./vm/limits.ts"),
  },
});
