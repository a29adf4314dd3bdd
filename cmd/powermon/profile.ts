// powermon profile: the host's own power settings, by name.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: {
    name: "profile",
    summary: "put the host's own power settings in force, check them, take them back",
    details:
      "A profile names governor, clock limits, EPP, EPB, turbo, idle states and uncore clock for sets of CPUs. It comes into force whole or not at all; what was there before is kept and put back by profile off.",
  },
  commands: {
    list: () => import("./profile/list.ts"),
    show: () => import("./profile/show.ts"),
    apply: () => import("./profile/apply.ts"),
    status: () => import("./profile/status.ts"),
    verify: () => import("./profile/verify.ts"),
    off: () => import("./profile/off.ts"),
  },
});
