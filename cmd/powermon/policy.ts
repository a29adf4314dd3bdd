// powermon policy: what the host does by itself.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: { name: "policy", summary: "policies by which the host sets frequencies itself" },
  commands: { simulate: () => import("./policy/simulate.ts") },
});
