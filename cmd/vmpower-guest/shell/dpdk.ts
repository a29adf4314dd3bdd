// DPDK's guest commands by their own names: scripts written for guest_cli run here as they are.

import type { Command } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { type Call, dpdk, DPDK_STEP, stepOf } from "../../shell/program.ts";

const GUEST_CLI = "guest_cli";
const CORE = { type: "positional", valueHint: "CORE|all", description: "the lcore, or all" } as const;

/**
 * Returns DPDK's commands; each does what the words of ours do that it stands for.
 * @param start the flags of policy send that the shell was started with
 * Source: DPDK examples/vm_power_manager/guest_cli/vm_power_cli_guest.c, main_ctx.
 */
export function dpdkCommands(call: Call, start: readonly string[]): readonly Command[] {
  return [
    dpdk(
      GUEST_CLI,
      "set_cpu_freq",
      "scale STEP --vcpu CORE",
      {
        core: { ...CORE, valueHint: "CORE", description: "the lcore" },
        step: DPDK_STEP,
      },
      ({ core, step }, io) => call(["scale", stepOf(step), "--vcpu", core], io),
    ),
    dpdk(GUEST_CLI, "query_cpu_freq", "freq --vcpu CORE", { core: CORE }, ({ core }, io) =>
      call(["freq", "--vcpu", core], io),
    ),
    dpdk(GUEST_CLI, "query_cpu_caps", "caps --vcpu CORE", { core: CORE }, ({ core }, io) =>
      call(["caps", "--vcpu", core], io),
    ),
    dpdk(
      GUEST_CLI,
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
        const words = policy !== undefined && policy.length > 0 ? policy : start;
        if (words.length > 0) return call(["policy", "send", ...words], io);
        io.err(
          "There is no policy to send: start the shell with --policy TIME --vcpu-list 0 --busy-hours 8-17, or write it here: send_policy now -- --type TIME --vcpus 0 --busy-hours 8-17",
        );
        return STATUS.usage;
      },
    ),
  ];
}
