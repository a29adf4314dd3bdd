// powermon profile off: takes the profile back.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import type { OffReport } from "../../../internal/api/profiles.ts";
import { json } from "../../../internal/output/json.ts";
import { explainProfile } from "../../../internal/power/profiles/apply.ts";
import { restoreProfile } from "../../../internal/power/profiles/off.ts";
import { loadProfile } from "../../../internal/power/profiles/store.ts";
import { heldDomains } from "../../../internal/power/profiles/under-claim.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { tell } from "../control.ts";
import { rootsOf } from "../roots.ts";
import { RUNNING_ARGS, runningPowermon } from "../running.ts";

export default defineCommand({
  meta: {
    name: "off",
    summary: "put everything back as it was before the first profile",
    details:
      "A running powermon does it, and guests' claims stand on. Status 3: nobody runs, and a guest's claim of a powermon that crashed holds a clock that would have to be put back.",
  },
  args: { ...RUNNING_ARGS, json: { type: "boolean", description: "print one JSON document" } },
  async run({ args, io }) {
    const running = runningPowermon(args);
    if (running !== undefined) return await tell(running.ask("profileOff"), { args, io }, told);
    const roots = rootsOf(args);
    const stored = loadProfile(roots);
    const originals = stored.ok && stored.value.state === "applied" ? stored.value.applied.originals : [];
    const held = heldDomains(
      roots,
      originals.map(({ attribute }) => attribute),
    );
    if (held.ok && held.value.length > 0) {
      for (const reason of explainProfile({ kind: "held", domains: held.value }))
        io.err(`powermon: ${reason}`);
      return STATUS.refused;
    }
    const { failed, ...report } = restoreProfile(roots);
    for (const error of failed) io.err(`powermon: ${explainSysfs(error)}`);
    if (args.json) io.out(json({ ...report, failed: failed.map(explainSysfs) }));
    else if (report.profile !== undefined || failed.length === 0) io.out(told(report));
    return failed.length > 0 ? STATUS.failed : STATUS.done;
  },
});

function told({ profile, stale, restored }: Partial<OffReport>): string {
  if (profile === undefined) return "No profile is in force.";
  if (stale) return `Profile ${profile} was applied before the last boot, dropped`;
  return `Profile ${profile} is off, ${restored?.length ?? 0} attributes are as they were`;
}
