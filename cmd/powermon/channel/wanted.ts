// Which channels are to be made: libvirt's XML and QEMU's arguments take the same words.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { DEFAULTS } from "../../../internal/config/defaults.ts";
import type { ChannelsWanted } from "../../../internal/output/channel-layout.ts";
import { absolutePath } from "../roots.ts";
import { VM_ARG, vmName } from "../control.ts";

/** The words that say which channels are wanted. */
export const WANTED_ARGS = {
  vm: VM_ARG,
  vcpus: {
    type: "string",
    required: true,
    valueHint: "n",
    description: "how many vCPUs the VM has, 1 to 512",
  },
  dir: {
    type: "string",
    default: DEFAULTS.channels.dirs[0] ?? "",
    valueHint: "DIR",
    description: "the channel folder, as powermon's configuration names it",
  },
  "first-controller": {
    type: "string",
    default: "0",
    valueHint: "n",
    description: "index of the first virtio-serial controller; the VM's others come before it",
  },
  json: { type: "boolean", description: "print one JSON document instead of text" },
} as const;

const Wanted = v.object({
  vm: vmName,
  vcpus: integer(1, 512),
  dir: absolutePath,
  "first-controller": integer(0, 255),
});

/** Returns what WANTED_ARGS were given as. */
export function wantedOf(args: object): ChannelsWanted {
  const { "first-controller": firstController, ...wanted } = parseArgs(Wanted, args);
  return { ...wanted, firstController };
}
