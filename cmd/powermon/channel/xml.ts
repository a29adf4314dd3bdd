// powermon channel xml: a VM's channels for libvirt.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { channelXml } from "../../../internal/output/channel-xml.ts";
import { json } from "../../../internal/output/json.ts";
import { WANTED_ARGS, wantedOf } from "./wanted.ts";

export default defineCommand({
  meta: {
    name: "xml",
    summary: "print a VM's channels as libvirt's XML",
    details: 'For the <devices> of `virsh edit VM`. No powermon needs to run. JSON: {"xml"}.',
    examples: ["powermon channel xml vm1 --vcpus 4"],
  },
  args: WANTED_ARGS,
  run({ args, io }) {
    const xml = channelXml(wantedOf(args));
    if (!xml.ok) throw new UsageError(xml.error);
    io.out(args.json ? json({ xml: xml.value }) : xml.value.trimEnd());
    return STATUS.done;
  },
});
