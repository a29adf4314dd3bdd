// Channels: listed, taken up, closed, and served or ignored.

import type { Handlers, Rehearsals } from "../../api/table.ts";
import type { ChannelReport } from "../../api/channels.ts";
import type { Channel } from "../../channels/channel.ts";
import { type Answer, no } from "../../values/answer.ts";
import type { Numbers } from "../../values/numbers.ts";
import { DONE, ok } from "../../values/result.ts";
import type { Host } from "../host.ts";
import { changed, rehearse } from "../rehearsal/rehearsal.ts";
import { tryAdding, tryRemoving } from "../rehearsal/try-vms.ts";

export function channelAsks(host: Host) {
  const { channels: all } = host;
  return {
    channels() {
      const names = [...new Set([...all.all].map(({ vm }) => vm.vm))].sort();
      return ok(names.flatMap((vm) => all.of(vm)).map(reportOf));
    },

    addChannels: ({ vm, channels }) =>
      all.addChannels(vm, channels) ? ok(all.of(vm).map(reportOf)) : noChannels(host, vm, channels),

    removeChannels: ({ vm, channels }) =>
      all.removeChannels(vm, channels) ? DONE : noChannels(host, vm, channels),

    enableChannels({ vm, channels, enabled }) {
      const chosen = all.open(vm, channels);
      if (chosen === undefined) return noChannels(host, vm, channels);
      for (const channel of chosen) channel.enabled = enabled;
      return DONE;
    },
  } satisfies Pick<Handlers, "channels" | "addChannels" | "removeChannels" | "enableChannels">;
}

/** Returns who tells what would happen to channels. */
export function channelRehearsals(host: Host) {
  return {
    addChannels: ({ vm, channels }) => tryAdding(host, vm, channels) ?? noChannels(host, vm, channels),

    removeChannels: ({ vm, channels }) => tryRemoving(host, vm, channels) ?? noChannels(host, vm, channels),

    enableChannels({ vm, channels, enabled }) {
      const chosen = host.channels.open(vm, channels);
      if (chosen === undefined) return noChannels(host, vm, channels);
      const word = (served: boolean) => (served ? "served" : "ignored");
      return rehearse(host, () =>
        ok(
          chosen.flatMap((one) =>
            changed(`requests of channel ${one.name}`, word(one.enabled), word(enabled)),
          ),
        ),
      );
    },
  } satisfies Pick<Rehearsals, "addChannels" | "removeChannels" | "enableChannels">;
}

function noChannels({ channels }: Host, vm: string, numbers: Numbers): Answer<never> {
  const there = channels.socketsOf(vm).join(", ") || "none";
  const asked = numbers === "all" ? "" : ` ${numbers.join(", ")}`;
  return no(
    "not-found",
    `VM ${JSON.stringify(vm)} has not all of the channels${asked}; its sockets are: ${there}.`,
  );
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
