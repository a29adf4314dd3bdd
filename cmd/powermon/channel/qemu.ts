// powermon channel qemu: a VM's channels for those who start QEMU themselves.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { channelQemu } from "../../../internal/output/channel-qemu.ts";
import { json } from "../../../internal/output/json.ts";
import { shellWords } from "../../../internal/output/shell-words.ts";
import { WANTED_ARGS, wantedOf } from "./wanted.ts";

export default defineCommand({
  meta: {
    name: "qemu",
    summary: "print a VM's channels as QEMU's arguments",
    details: 'One line, quoted for a shell. No powermon needs to run. JSON: {"args": [...]}, unquoted.',
    examples: [
      "powermon channel qemu vm1 --vcpus 4",
      "qemu-system-x86_64 $(powermon channel qemu vm1 --vcpus 1)",
    ],
  },
  args: WANTED_ARGS,
  run({ args, io }) {
    const qemu = channelQemu(wantedOf(args));
    if (!qemu.ok) throw new UsageError(qemu.error);
    io.out(args.json ? json({ args: qemu.value }) : shellWords(qemu.value));
    return STATUS.done;
  },
});
