// powermon channel: the channels that guests speak through.

import * as v from "valibot";
import { defineCommand } from "../../internal/cli/command.ts";
import type { ChannelReport } from "../../internal/api/channels.ts";
import { table } from "../../internal/output/table.ts";
import { formatCpuList } from "../../internal/values/cpulist.ts";
import type { Numbers } from "../../internal/values/numbers.ts";
import { loaded } from "../loaded.ts";
import { askCommand } from "./ask-command.ts";
import { cell, channelList, countsText, VM_ARG, vmName } from "./control.ts";

const Channels = v.object({ vm: vmName, channels: channelList });
/** The words of a command on some channels of a VM, and what they mean. */
const SOME = {
  args: {
    vm: VM_ARG,
    channels: {
      type: "positional",
      valueHint: "LIST|all",
      description: "channel numbers such as 0-3,5, or all",
    },
  },
  means: Channels,
} as const;

/** Returns a command that has channels served, or read and ignored. */
const enable = (name: string, enabled: boolean, summary: string) =>
  askCommand("enableChannels", {
    meta: { name, summary, examples: [`powermon channel ${name} vm1 all`] },
    args: SOME.args,
    means: v.pipe(
      Channels,
      v.transform((said) => ({ ...said, enabled })),
    ),
    show: (_, said) => did(said, `${name}d`),
  });

export default defineCommand({
  meta: {
    name: "channel",
    summary: "list, add, remove and silence channels; give them to libvirt's VMs and QEMU",
  },
  commands: {
    ...loaded(
      askCommand("channels", {
        meta: {
          name: "list",
          summary: "list the channels and how they are",
          examples: ["powermon channel list", "powermon channel list --json"],
        },
        show: list,
      }),
      askCommand("addChannels", {
        meta: {
          name: "add",
          summary: "serve channels of a VM that were removed",
          details: "Channels that appear in a channel folder are served without being asked for.",
          examples: ["powermon channel add vm1 0-3", "powermon channel add vm1 all"],
        },
        ...SOME,
        show: list,
      }),
      askCommand("removeChannels", {
        meta: {
          name: "remove",
          summary: "close channels of a VM; claims made through them end",
          examples: ["powermon channel remove vm1 3"],
        },
        ...SOME,
        show: (_, said) => did(said, "removed"),
      }),
      enable("enable", true, "serve the requests of channels again that were disabled"),
      enable("disable", false, "read what comes through channels and ignore it"),
    ),
    attach: async () => ({ default: (await import("./channel/attach.ts")).ATTACH }),
    detach: async () => ({ default: (await import("./channel/attach.ts")).DETACH }),
    xml: async () => ({ default: (await import("./channel/make.ts")).XML }),
    qemu: async () => ({ default: (await import("./channel/make.ts")).QEMU }),
  },
});

/** Returns such as `vm1: channels 0-3 disabled`. */
function did({ vm, channels }: { readonly vm: string; readonly channels: Numbers }, what: string): string {
  return `${vm}: ${channels === "all" ? "all channels" : `channels ${formatCpuList(channels)}`} ${what}`;
}

/** Returns a line a channel. */
function list(channels: readonly ChannelReport[]): string {
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
