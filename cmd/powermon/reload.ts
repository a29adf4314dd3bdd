// powermon reload: applies the configuration as it is on disk now.

import { askCommand } from "./ask-command.ts";

export default askCommand("reload", {
  meta: {
    name: "reload",
    summary: "let the running powermon read its configuration again",
    details: "A bad one is refused, status 2, and the old one stays. SIGHUP does the same without an answer.",
    examples: ["powermon reload"],
  },
  show: ({ files }) =>
    files.length === 0 ? "Reloaded: no file, defaults alone." : `Reloaded: ${files.join(", ")}`,
});
