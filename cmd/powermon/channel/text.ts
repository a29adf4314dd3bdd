// Channels in text and the words that name them: list, add, remove, enable and disable say the same.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import type { Numbers } from "../../../internal/values/numbers.ts";
import type { ChannelReport } from "../../../internal/api/channels.ts";
import { formatCpuList } from "../../../internal/values/cpulist.ts";
import { table } from "../../../internal/output/table.ts";
import { cell, channelList, CONTROL_ARGS, countsText, VM_ARG, vmName } from "../control.ts";

/** The words of a command on some channels of a VM. */
export const CHANNELS_ARGS = {
  vm: VM_ARG,
  channels: {
    type: "positional",
    valueHint: "LIST|all",
    description: "channel numbers such as 0-3,5, or all",
  },
  ...CONTROL_ARGS,
} as const;

const Args = v.object({ vm: vmName, channels: channelList });

/** Returns what CHANNELS_ARGS were given as. */
export function channelsOf(args: object): { readonly vm: string; readonly channels: Numbers } {
  return parseArgs(Args, args);
}

/** Returns such as `vm1: channels 0-3 disabled`. */
export function didChannels(vm: string, channels: Numbers, what: string): string {
  return `${vm}: ${channels === "all" ? "all channels" : `channels ${formatCpuList(channels)}`} ${what}`;
}

/** Returns a line a channel. */
export function showChannels(channels: readonly ChannelReport[]): string {
  if (channels.length === 0) return "No channels.";
  return table([
    ["VM", "CHANNEL", "STATE", "REQUESTS", "GENERATION", "COUNTS", "PATH"],
    ...channels.map(({ vm, channel, state, enabled, generation, counts, path }) => [
      vm,
      String(channel),
      state,
      enabled ? "served" : "ignored",
      cell(generation),
      countsText(counts),
      path,
    ]),
  ]);
}
