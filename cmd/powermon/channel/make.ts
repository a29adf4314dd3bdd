// powermon channel xml and qemu: a VM's channels for libvirt, and for those who start QEMU themselves.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand, type Leaf, type Meta } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { DEFAULTS } from "../../../internal/config/defaults.ts";
import type { ChannelsWanted } from "../../../internal/output/channel-layout.ts";
import { channelQemu } from "../../../internal/output/channel-qemu.ts";
import { channelXml } from "../../../internal/output/channel-xml.ts";
import { json } from "../../../internal/output/json.ts";
import { shellWords } from "../../../internal/output/shell-words.ts";
import { ok, type Result } from "../../../internal/values/result.ts";
import { VM_ARG, vmName } from "../control.ts";
import { absolutePath } from "../roots.ts";

const Wanted = v.object({
  vm: vmName,
  vcpus: integer(1, 512),
  dir: absolutePath,
  "first-controller": integer(0, 255),
});

/** Returns a command that prints the channels wanted as `make` makes them: text for people, a document for --json. */
function maker(
  meta: Meta,
  make: (wanted: ChannelsWanted) => Result<{ readonly text: string; readonly document: object }, string>,
): Leaf {
  return defineCommand({
    meta,
    args: {
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
    },
    run({ args, io }) {
      const { "first-controller": firstController, ...wanted } = parseArgs(Wanted, args);
      const made = make({ ...wanted, firstController });
      if (!made.ok) throw new UsageError(made.error);
      io.out(args.json ? json(made.value.document) : made.value.text);
      return STATUS.done;
    },
  });
}

export const XML = maker(
  {
    name: "xml",
    summary: "print a VM's channels as libvirt's XML",
    details: 'For the <devices> of `virsh edit VM`. No powermon needs to run. JSON: {"xml"}.',
    examples: ["powermon channel xml vm1 --vcpus 4"],
  },
  (wanted) => {
    const xml = channelXml(wanted);
    return xml.ok ? ok({ text: xml.value.trimEnd(), document: { xml: xml.value } }) : xml;
  },
);

export const QEMU = maker(
  {
    name: "qemu",
    summary: "print a VM's channels as QEMU's arguments",
    details:
      'One line, quoted for a shell. No powermon needs to run. It names CPU model "max", which has what vmpower-guest needs and QEMU\'s default lacks; of several -cpu QEMU takes the last, so one of your own, with SSE4.2 and POPCNT, goes after these. JSON: {"args": [...]}, unquoted.',
    examples: [
      "powermon channel qemu vm1 --vcpus 4",
      "qemu-system-x86_64 $(powermon channel qemu vm1 --vcpus 1)",
    ],
  },
  (wanted) => {
    const args = channelQemu(wanted);
    return args.ok ? ok({ text: shellWords(args.value), document: { args: args.value } }) : args;
  },
);
