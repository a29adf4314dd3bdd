// vmpower-guest policy: lets the host follow a rule instead of single requests.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: { name: "policy", summary: "give the host a rule to follow for this VM, or take it back" },
  commands: {
    send: () => import("./policy/send.ts"),
    remove: () => import("./policy/remove.ts"),
  },
});
