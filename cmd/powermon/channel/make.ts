// powermon channel xml and qemu: a VM's channels for libvirt, and for those who start QEMU themselves.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { DEFAULTS } from "../../../internal/config/defaults.ts";
import { channelQemu } from "../../../internal/output/channel-qemu.ts";
import { channelXml } from "../../../internal/output/channel-xml.ts";
import { json } from "../../../internal/output/json.ts";
import { shellWords } from "../../../internal/output/shell-words.ts";
import { readDefinitions } from "../../../internal/pinning/domain-devices.ts";
import type { DomainDefinition } from "../../../internal/pinning/domain-definition.ts";
import type { Virsh } from "../../../internal/pinning/virsh.ts";
import { VM_ARG, vmName } from "../control.ts";
import { absolutePath } from "../roots.ts";
import { LIBVIRT_ARGS, libvirtOf } from "./libvirt.ts";

const vcpus = integer(1, 512);
const firstController = integer(0, 255);
const FIRST_CONTROLLER = {
  type: "string",
  valueHint: "n",
  description: "index of the first virtio-serial controller; the VM's others come before it",
} as const;
const AS_JSON = { type: "boolean", description: "print one JSON document instead of text" } as const;

const XmlArgs = v.object({
  vm: vmName,
  vcpus: v.optional(vcpus),
  "first-controller": v.optional(firstController),
});

export const XML = defineCommand({
  meta: {
    name: "xml",
    summary: "print a VM's channels as libvirt's XML",
    details:
      'For the <devices> of `virsh edit VM`; `powermon channel attach` puts them there by itself. Where libvirt knows the VM, what it has is left out and its free ports are used; with --first-controller libvirt is not asked. No powermon needs to run. JSON: {"xml"}.',
    examples: ["powermon channel xml vm1", "powermon channel xml new --vcpus 4 --first-controller 0"],
  },
  args: {
    vm: VM_ARG,
    vcpus: {
      type: "string",
      valueHint: "n",
      description: "how many vCPUs get a channel, 1 to 512 (default: as many as the VM has in libvirt)",
    },
    ...LIBVIRT_ARGS,
    "first-controller": FIRST_CONTROLLER,
    json: AS_JSON,
  },
  async run({ args, io }) {
    const said = parseArgs(XmlArgs, args);
    const { dir, virsh } = libvirtOf(args);
    let there: DomainDefinition | undefined;
    if (said["first-controller"] === undefined) {
      const known = await definitionOf(virsh, said.vm);
      if (typeof known !== "string") there = known;
      else if (said.vcpus === undefined) throw new UsageError(`--vcpus is missing, and ${known}.`);
      else io.err(`This is for a VM without virtio-serial controllers: ${known}.`);
    } else if (said.vcpus === undefined) throw new UsageError("--vcpus is missing; it needs N.");
    const xml = channelXml({
      vm: said.vm,
      vcpus: said.vcpus ?? there?.vcpus ?? 0,
      dir,
      ...(there !== undefined && { there }),
      ...(said["first-controller"] !== undefined && { firstController: said["first-controller"] }),
    });
    if (!xml.ok) throw new UsageError(xml.error);
    if (args.json) io.out(json({ xml: xml.value }));
    else if (xml.value !== "") io.out(xml.value.trimEnd());
    else io.err(`${said.vm} has its channels already.`);
    return STATUS.done;
  },
});

/** Returns what holds from the VM's next start on, or of a transient one now; else why that isn't known, as a sentence's part. */
async function definitionOf(virsh: Virsh, vm: string): Promise<DomainDefinition | string> {
  const definitions = await readDefinitions(virsh, vm);
  if (!definitions.ok) return definitions.error.replace(/^Cannot/, "can't").replace(/[.\s]+$/, "");
  return definitions.value.persistent ?? definitions.value.live ?? "libvirt says nothing of it";
}

const QemuArgs = v.object({ vm: vmName, vcpus, dir: absolutePath, "first-controller": firstController });

export const QEMU = defineCommand({
  meta: {
    name: "qemu",
    summary: "print a VM's channels as QEMU's arguments",
    details:
      'One line, quoted for a shell. No powermon needs to run. It names CPU model "max", which has what vmpower-guest needs and QEMU\'s default lacks; of several -cpu QEMU takes the last, so one of your own, with SSE4.2 and POPCNT, goes after these. JSON: {"args": [...]}, unquoted.',
    examples: [
      "powermon channel qemu vm1 --vcpus 4",
      "qemu-system-x86_64 $(powermon channel qemu vm1 --vcpus 1)",
    ],
  },
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
    "first-controller": { ...FIRST_CONTROLLER, default: "0" },
    json: AS_JSON,
  },
  run({ args, io }) {
    const { "first-controller": first, ...wanted } = parseArgs(QemuArgs, args);
    const made = channelQemu({ ...wanted, firstController: first });
    if (!made.ok) throw new UsageError(made.error);
    io.out(args.json ? json({ args: made.value }) : shellWords(made.value));
    return STATUS.done;
  },
});
