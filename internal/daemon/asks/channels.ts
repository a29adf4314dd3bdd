// Channels: listed, taken up, closed, and served or ignored.

import type { Handlers } from "../../api/table.ts";
import type { ChannelReport } from "../../api/channels.ts";
import { isAll } from "../../channels/channels.ts";
import type { Channel } from "../../channels/channel.ts";
import { type Answer, no } from "../../values/answer.ts";
import type { Numbers } from "../../values/numbers.ts";
import { DONE, ok } from "../../values/result.ts";
import type { Host } from "../host.ts";

export function channelAsks({ channels: all }: Host) {
  const noChannels = (vm: string, numbers: Numbers): Answer<never> => {
    const there = all.socketsOf(vm).join(", ") || "none";
    const asked = numbers === "all" ? "" : ` ${numbers.join(", ")}`;
    return no(
      "not-found",
      `VM ${JSON.stringify(vm)} has not all of the channels${asked}; its sockets are: ${there}.`,
    );
  };
  return {
    channels: () => ok([...all.all].map(reportOf)),

    addChannels: ({ vm, channels }) =>
      all.addChannels(vm, channels) ? ok(all.of(vm).map(reportOf)) : noChannels(vm, channels),

    removeChannels: ({ vm, channels }) =>
      all.removeChannels(vm, channels) ? DONE : noChannels(vm, channels),

    enableChannels({ vm, channels, enabled }) {
      const open = all.of(vm);
      const chosen = channels === "all" ? open : open.filter(({ index }) => channels.includes(index));
      if (!isAll(chosen, channels)) return noChannels(vm, channels);
      for (const channel of chosen) channel.enabled = enabled;
      return DONE;
    },
  } satisfies Pick<Handlers, "channels" | "addChannels" | "removeChannels" | "enableChannels">;
}

function reportOf(channel: Channel): ChannelReport {
  return {
    vm: channel.vm.vm,
    channel: channel.index,
    path: channel.path,
    state: channel.state,
    enabled: channel.enabled,
    generation: channel.generation,
    counts: { ...channel.counts, ...channel.framing },
  };
}

/** Returns the sum of the counters of `channels`. */
export function sumCounts(channels: Iterable<Channel>): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { counts, framing } of channels) {
    for (const [key, count] of Object.entries({ ...counts, ...framing })) sum[key] = (sum[key] ?? 0) + count;
  }
  return sum;
}
