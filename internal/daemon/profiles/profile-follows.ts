// The profile in force while the machine changes under it: CPUs that come, limits of all CPUs, interrupts and VMs that come and go.

import { followProfile } from "../../power/profiles/follow.ts";
import { restoreProfile } from "../../power/profiles/off.ts";
import { loadProfile } from "../../power/profiles/store.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { setsOf } from "../asks/profiles.ts";
import type { Host } from "../host.ts";
import { profilesIn } from "./host-profiles.ts";
import { giveBack } from "../host-sleep.ts";

/**
 * Gives what came since the profile was put in force its settings, and puts back what a profile that is off left to CPUs that were offline.
 * @param part only where interrupts arrive, which is looked at more often
 */
export function profileFollows(host: Host, roots: Roots, part?: "irq"): void {
  const { log, ledger, config } = host;
  const tell = (errors: readonly SysfsError[]) => {
    for (const error of errors) log.warnFolded(`profile ${error.path}`, explainSysfs(error), {});
  };
  const stored = loadProfile(roots);
  if (!stored.ok) return tell([stored.error]);
  if (stored.value.state === "ended" && part === undefined) {
    const given = giveBack(host);
    const { profile, restored, failed } =
      given.length > 0 ? { ...NONE, failed: given } : restoreProfile(roots);
    tell([...failed, ...ledger.settle()]);
    if (restored.length > 0)
      log.info("What was left of a profile that is off was put back", {
        profile,
        attributes: restored.length,
      });
  }
  if (stored.value.state !== "applied") return;
  const profile = profilesIn(config.says).get(stored.value.applied.profile);
  if (profile === undefined) return;
  const sets = setsOf(host, roots);
  if (!sets.ok) return log.warnFolded(`profile ${sets.error}`, sets.error, {});
  const due = followProfile(roots, profile, sets.value, { dryRun: true, part });
  tell(due.failed);
  if (due.written.length === 0) return;
  const given = due.written.every(({ knob }) => knob.startsWith("irq")) ? [] : giveBack(host);
  const done =
    given.length > 0 ? { written: [], failed: given } : followProfile(roots, profile, sets.value, { part });
  tell([...done.failed, ...ledger.settle()]);
  if (done.written.length > 0)
    log.info("The profile followed the machine", { profile: profile.name, changes: done.written.length });
}

const NONE = { profile: undefined, restored: [] };
