// powermon channel: the channels that guests speak through.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: {
    name: "channel",
    summary: "list, add, remove and silence channels; make them for libvirt and QEMU",
  },
  commands: {
    list: () => import("./channel/list.ts"),
    add: () => import("./channel/add.ts"),
    remove: () => import("./channel/remove.ts"),
    enable: () => import("./channel/enable.ts"),
    disable: () => import("./channel/disable.ts"),
    xml: () => import("./channel/xml.ts"),
    qemu: () => import("./channel/qemu.ts"),
  },
});
