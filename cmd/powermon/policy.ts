// powermon policy: what the host does by itself.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: {
    name: "policy",
    summary: "list, set, remove and try policies by which the host moves clocks itself",
  },
  commands: {
    list: () => import("./policy/list.ts"),
    show: () => import("./policy/show.ts"),
    set: () => import("./policy/set.ts"),
    remove: () => import("./policy/remove.ts"),
    simulate: () => import("./policy/simulate.ts"),
  },
});
