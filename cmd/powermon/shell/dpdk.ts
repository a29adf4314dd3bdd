// DPDK's host commands by their own names: scripts written for its prompt run here as they are.

import type { Args, ArgsDef, Command } from "../../../internal/cli/command.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { formatCpuList } from "../../../internal/values/cpulist.ts";
import { type Call, dpdk, DPDK_STEP, stepOf } from "../../shell/program.ts";

const VM = { type: "positional", valueHint: "VM", description: "the VM's name" } as const;
const LIST = {
  type: "positional",
  valueHint: "LIST|all",
  description: "channel numbers such as 0,1,5, or all",
} as const;
const CORE = { type: "positional", valueHint: "CORE", description: "the host's CPU" } as const;
const VCPU = { type: "positional", valueHint: "VCPU", description: "the vCPU's number in the VM" } as const;
const MASK = {
  type: "positional",
  valueHint: "MASK",
  description: "the host's CPUs as bits, such as 0x1c for 2 to 4",
} as const;

/**
 * Returns the CPUs of a mask of at most 64 bits, as a list. Errors: UsageError for anything else, and for a mask of none.
 * Source: DPDK before 20.11, examples/vm_power_manager/vm_power_cli.c, cmd_set_pcpu_mask.
 */
function cpusOf(mask: string): string {
  const bits = /^(?:0x[0-9a-f]{1,16}|\d{1,19})$/i.test(mask) ? BigInt(mask) : 0n;
  const cpus = Array.from({ length: 64 }, (_, cpu) => cpu).filter((cpu) => (bits >> BigInt(cpu)) & 1n);
  if (cpus.length === 0)
    throw new UsageError(`MASK must be CPUs as bits, such as 0x1c for 2 to 4, not ${JSON.stringify(mask)}.`);
  return formatCpuList(cpus);
}

/**
 * Returns DPDK's commands; each does what the words of ours do that it stands for.
 * Source: DPDK examples/vm_power_manager/vm_power_cli.c, main_ctx.
 */
export function dpdkCommands(call: Call): readonly Command[] {
  const as = <const T extends ArgsDef>(
    name: string,
    ours: string,
    args: T,
    words: (args: Args<T>) => readonly string[],
  ) => dpdk("vm_power_manager", name, ours, args, (said, io) => call(words(said), io));
  return [
    as("add_vm", "vm add VM", { vm: VM }, ({ vm }) => ["vm", "add", vm]),
    as("rm_vm", "vm remove VM", { vm: VM }, ({ vm }) => ["vm", "remove", vm]),
    as("show_vm", "vm show VM", { vm: VM }, ({ vm }) => ["vm", "show", vm]),
    as("add_channels", "channel add VM LIST|all", { vm: VM, list: LIST }, ({ vm, list }) => [
      "channel",
      "add",
      vm,
      list,
    ]),
    as(
      "set_channel_status",
      "channel enable|disable VM LIST|all",
      {
        vm: VM,
        list: LIST,
        status: {
          type: "positional",
          options: ["enabled", "disabled"],
          description: "whether requests are served",
        },
      },
      ({ vm, list, status }) => ["channel", status === "enabled" ? "enable" : "disable", vm, list],
    ),
    as(
      "set_pcpu",
      "vm pin VM VCPU PCPU",
      {
        vm: VM,
        vcpu: VCPU,
        pcpu: { type: "positional", valueHint: "PCPU", description: "the host's CPU" },
      },
      ({ vm, vcpu, pcpu }) => ["vm", "pin", vm, vcpu, pcpu],
    ),
    as("set_pcpu_mask", "vm pin VM VCPU LIST", { vm: VM, vcpu: VCPU, mask: MASK }, ({ vm, vcpu, mask }) => [
      "vm",
      "pin",
      vm,
      vcpu,
      cpusOf(mask),
    ]),
    as(
      "set_query",
      "vm query VM on|off",
      {
        vm: VM,
        status: {
          type: "positional",
          options: ["enable", "disable"],
          description: "whether queries are answered",
        },
      },
      ({ vm, status }) => ["vm", "query", vm, status === "enable" ? "on" : "off"],
    ),
    as("show_cpu_freq_mask", "freq show LIST", { mask: MASK }, ({ mask }) => ["freq", "show", cpusOf(mask)]),
    as("set_cpu_freq_mask", "freq set LIST STEP", { mask: MASK, step: DPDK_STEP }, ({ mask, step }) => [
      "freq",
      "set",
      cpusOf(mask),
      stepOf(step),
    ]),
    as("show_cpu_freq", "freq show CPU", { core: CORE }, ({ core }) => ["freq", "show", core]),
    as(
      "set_cpu_freq",
      "freq set CPU STEP",
      {
        core: CORE,
        step: DPDK_STEP,
      },
      ({ core, step }) => ["freq", "set", core, stepOf(step)],
    ),
  ];
}
