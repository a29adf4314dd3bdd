// powermon freq: the clocks, and the operator's own claims on them.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: { name: "freq", summary: "show CPUs' frequencies; claim one, or end the claim" },
  commands: {
    show: () => import("./freq/show.ts"),
    set: () => import("./freq/set.ts"),
    release: () => import("./freq/release.ts"),
  },
});
