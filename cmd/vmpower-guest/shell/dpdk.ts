// DPDK's guest commands by their own names: scripts written for guest_cli run here as they are.

import type { Args, ArgsDef, Command, Commands, Io } from "../../../internal/cli/command.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";

const CORE = { type: "positional", valueHint: "CORE|all", description: "the lcore, or all" } as const;

/**
 * Returns DPDK's commands; each does what the words of ours do that it stands for.
 * Source: DPDK examples/vm_power_manager/guest_cli/vm_power_cli_guest.c, main_ctx.
 * @param call runs a command of ours
 */
export function dpdkCommands(call: (words: readonly string[], io: Io) => Promise<Status>): Commands {
  /** Returns the command `name`, which stands for `ours`. */
  function dpdk<const T extends ArgsDef>(
    name: string,
    ours: string,
    args: T,
    run: (args: Args<T>, io: Io) => Promise<Status> | Status,
  ) {
    const command: Command = defineCommand({
      meta: { name, summary: `as DPDK's guest_cli; ours: ${ours}` },
      args,
      run: (context) => run(context.args, context.io),
    });
    return [name, async () => ({ default: command })] as const;
  }
  return Object.fromEntries([
    dpdk(
      "set_cpu_freq",
      "scale STEP --vcpu CORE",
      {
        core: { ...CORE, valueHint: "CORE", description: "the lcore" },
        step: {
          type: "positional",
          options: ["up", "down", "min", "max", "enable_turbo", "disable_turbo"],
          description: "where to",
        },
      },
      ({ core, step }, io) => call(["scale", TURBO[step] ?? step, "--vcpu", core], io),
    ),
    dpdk("query_cpu_freq", "freq --vcpu CORE", { core: CORE }, ({ core }, io) =>
      call(["freq", "--vcpu", core], io),
    ),
    dpdk("query_cpu_caps", "caps --vcpu CORE", { core: CORE }, ({ core }, io) =>
      call(["caps", "--vcpu", core], io),
    ),
    dpdk(
      "send_policy",
      "policy send --type TYPE --vcpus LIST ...",
      {
        now: { type: "positional", options: ["now"], description: "the only word DPDK takes here" },
        policy: {
          type: "positional",
          repeatable: true,
          required: false,
          description: "what DPDK takes from its command line: after --, the flags of policy send",
        },
      },
      ({ policy }, io) => {
        if (policy !== undefined && policy.length > 0) return call(["policy", "send", ...policy], io);
        io.err(
          "DPDK's guest_cli sends the policy of its command line. Write it here: send_policy now -- --type TIME --vcpus 0 --busy-hours 8-17",
        );
        return STATUS.usage;
      },
    ),
  ]);
}

const TURBO: Readonly<Record<string, string>> = { enable_turbo: "turbo-on", disable_turbo: "turbo-off" };
