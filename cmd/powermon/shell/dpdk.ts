// DPDK's host commands by their own names: scripts written for its prompt run here as they are.

import type { Args, ArgsDef, Command, Commands, Io } from "../../../internal/cli/command.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import type { Status } from "../../../internal/cli/status.ts";

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
 * @param call runs a command of ours
 */
export function dpdkCommands(call: (words: readonly string[], io: Io) => Promise<Status>): Commands {
  /** Returns the command `name`, which stands for `ours`: the same as `words`, for people. */
  function dpdk<const T extends ArgsDef>(
    name: string,
    ours: string,
    args: T,
    words: (args: Args<T>) => readonly string[],
  ) {
    const command: Command = defineCommand({
      meta: { name, summary: `as DPDK's vm_power_manager; ours: ${ours}` },
      args,
      run: (context) => call(words(context.args), context.io),
    });
    return [name, async () => ({ default: command })] as const;
  }
  return Object.fromEntries([
    dpdk("add_vm", "vm add VM", { vm: VM }, ({ vm }) => ["vm", "add", vm]),
    dpdk("rm_vm", "vm remove VM", { vm: VM }, ({ vm }) => ["vm", "remove", vm]),
    dpdk("show_vm", "vm show VM", { vm: VM }, ({ vm }) => ["vm", "show", vm]),
    dpdk("add_channels", "channel add VM LIST|all", { vm: VM, list: LIST }, ({ vm, list }) => [
      "channel",
      "add",
      vm,
      list,
    ]),
    dpdk(
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
    dpdk(
      "set_pcpu",
      "vm pin VM VCPU PCPU",
      {
        vm: VM,
        vcpu: { type: "positional", valueHint: "VCPU", description: "the vCPU's number in the VM" },
        pcpu: { type: "positional", valueHint: "PCPU", description: "the host's CPU" },
      },
      ({ vm, vcpu, pcpu }) => ["vm", "pin", vm, vcpu, pcpu],
    ),
    dpdk(
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
    dpdk("show_cpu_freq", "freq show CPU", { core: CORE }, ({ core }) => ["freq", "show", core]),
    dpdk(
      "set_cpu_freq",
      "freq set CPU STEP",
      {
        core: CORE,
        step: {
          type: "positional",
          options: ["up", "down", "min", "max", "enable_turbo", "disable_turbo"],
          description: "where to",
        },
      },
      ({ core, step }) => ["freq", "set", core, TURBO[step] ?? step],
    ),
  ]);
}

const TURBO: Readonly<Record<string, string>> = { enable_turbo: "turbo-on", disable_turbo: "turbo-off" };
