// powermon reload: applies the configuration as it is on disk now.

import { defineCommand } from "../../internal/cli/command.ts";
import { clientOf, CONTROL_ARGS, tell } from "./control.ts";

export default defineCommand({
  meta: {
    name: "reload",
    summary: "let the running powermon read its configuration again",
    details: "A bad one is refused, status 2, and the old one stays. SIGHUP does the same without an answer.",
    examples: ["powermon reload"],
  },
  args: CONTROL_ARGS,
  run: (context) =>
    tell(clientOf(context.args).ask("reload"), context, ({ files }) =>
      files.length === 0 ? "Reloaded: no file, defaults alone." : `Reloaded: ${files.join(", ")}`,
    ),
});
