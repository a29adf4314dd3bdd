// powermon reload: applies the configuration as it is on disk now.

import { askCommand } from "./ask-command.ts";

export default askCommand("reload", {
  meta: {
    name: "reload",
    summary: "let the running powermon read its configuration again",
    details:
      "A bad one is refused, status 2, and the old one stays. SIGHUP does the same without an answer. What was changed at run time stays above the files, and is told; powermon vm limits VM --reset ends it.",
    examples: ["powermon reload"],
  },
  show: ({ files, runtime }) =>
    [
      files.length === 0 ? "Reloaded: no file, defaults alone." : `Reloaded: ${files.join(", ")}`,
      ...runtime.map(
        ({ vm, settings }) =>
          `${vm}: ${settings.join(", ")} changed at run time, and above the files; powermon vm limits ${vm} --reset ends that`,
      ),
    ].join("\n"),
});
