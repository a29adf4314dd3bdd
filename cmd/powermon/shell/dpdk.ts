// DPDK's host commands by their own names: scripts written for its prompt run here as they are.

import type { Args, ArgsDef, Command } from "../../../internal/cli/command.ts";
import { type Call, dpdk, DPDK_STEP, stepOf } from "../../shell/program.ts";

const VM = { type: "positional", valueHint: "VM", description: "the VM's name" } as const;
const LIST = {
  type: "positional",
  valueHint: "LIST|all",
  description: "channel numbers such as 0,1,5, or all",
} as const;
const CORE = { type: "positional", valueHint: "CORE", description: "the host's CPU" } as const;

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
        vcpu: { type: "positional", valueHint: "VCPU", description: "the vCPU's number in the VM" },
        pcpu: { type: "positional", valueHint: "PCPU", description: "the host's CPU" },
      },
      ({ vm, vcpu, pcpu }) => ["vm", "pin", vm, vcpu, pcpu],
    ),
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
