// powermon profile off: takes the profile back.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { json } from "../../../internal/output/json.ts";
import { explainProfile, heldPolicies } from "../../../internal/power/profile-apply.ts";
import { restoreProfile } from "../../../internal/power/profile-off.ts";
import { loadProfile } from "../../../internal/power/profile-store.ts";
import { explainSysfs } from "../../../internal/sysfs/error.ts";
import { ROOT_ARGS, rootsOf } from "../roots.ts";

export default defineCommand({
  meta: {
    name: "off",
    summary: "put everything back as it was before the first profile",
    details: "Status 3 when a guest's claim holds a clock that would have to be put back.",
  },
  args: { ...ROOT_ARGS, json: { type: "boolean", description: "print one JSON document" } },
  run({ args, io }) {
    const roots = rootsOf(args);
    const stored = loadProfile(roots);
    const originals = stored.ok && stored.value.state === "applied" ? stored.value.applied.originals : [];
    const held = heldPolicies(roots, originals);
    if (held.ok && held.value.length > 0) {
      for (const reason of explainProfile({ kind: "held", policies: held.value }))
        io.err(`powermon: ${reason}`);
      return STATUS.refused;
    }
    const { profile, stale, restored, failed } = restoreProfile(roots);
    for (const error of failed) io.err(`powermon: ${explainSysfs(error)}`);
    if (args.json) io.out(json({ profile, stale, restored, failed: failed.map(explainSysfs) }));
    else if (profile === undefined && failed.length === 0) io.out("No profile is in force.");
    else if (stale) io.out(`Profile ${profile} was applied before the last boot, dropped`);
    else if (profile !== undefined)
      io.out(`Profile ${profile} is off, ${restored.length} attributes are as they were`);
    return failed.length > 0 ? STATUS.failed : STATUS.done;
  },
});
