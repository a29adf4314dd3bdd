// powermon reload: applies the configuration as it is on disk now.

import * as v from "valibot";
import type { Report } from "../../internal/api/table.ts";
import { askCommand } from "./ask-command.ts";
import { DRY_RUN_ARG, showClocks } from "./dry-run.ts";

export default askCommand("reload", {
  meta: {
    name: "reload",
    summary: "let the running powermon read its configuration again",
    details:
      "Tells each setting that changes, and what is probably not meant. A bad configuration is refused, status 2, and the old one stays. SIGHUP does the same without an answer; its log has the warnings. What was changed at run time stays above the files, and is told; powermon vm limits VM --reset ends it.",
    examples: ["powermon reload --dry-run", "powermon reload"],
  },
  args: DRY_RUN_ARG,
  means: v.pipe(
    v.object({ "dry-run": v.boolean() }),
    v.transform((said) => ({ dryRun: said["dry-run"] })),
  ),
  show: told,
});

function told({ files, reloaded, warnings, changes, runtime, clocks = [] }: Report<"reload">): string {
  const from = files.length === 0 ? "no file, defaults alone" : files.join(", ");
  return [
    `${reloaded ? "Reloaded" : "Would reload"}: ${from}`,
    ...(changes.length === 0 ? ["No setting differs from those in force."] : changes),
    ...showClocks({ clocks, warnings }),
    ...runtime.map(
      ({ vm, settings }) =>
        `${vm}: ${settings.join(", ")} changed at run time, and above the files; powermon vm limits ${vm} --reset ends that`,
    ),
  ].join("\n");
}
