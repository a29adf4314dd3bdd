// powermon vm: everything about single VMs.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: { name: "vm", summary: "list, show, pin and limit VMs" },
  commands: {
    list: () => import("./vm/list.ts"),
    show: () => import("./vm/show.ts"),
    add: () => import("./vm/add.ts"),
    remove: () => import("./vm/remove.ts"),
    pin: () => import("./vm/pin.ts"),
    query: () => import("./vm/query.ts"),
    limits: () => import("./vm/limits.ts"),
  },
});
