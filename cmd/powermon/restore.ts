// powermon restore: puts the original settings back after a crash, when nobody is left to do it.

import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { claimRestore } from "../../internal/daemon/instance.ts";
import { takeUpRecords } from "../../internal/daemon/older-records.ts";
import { restoreProfile } from "../../internal/power/profiles/off.ts";
import { undoTrip } from "../../internal/power/sleep/trip.ts";
import { explainSysfs } from "../../internal/values/sysfs-error.ts";
import { restoreAll, type Roots } from "../../internal/sysfs/cpufreq/originals.ts";
import { ROOT_ARGS, rootsOf } from "./roots.ts";

export default defineCommand({
  meta: {
    name: "restore",
    summary: "put every setting back as it was before powermon's first write",
    details:
      "Guests' clocks first, then the profile that they stood within, then VMs, wake alarm and meaning of mem and disk of a sleep that was cut off. For after a crash or SIGKILL; a powermon that ends by SIGTERM does it itself. Settings saved before the last boot are dropped, since the kernel has forgotten them too. While powermon runs it does nothing and ends with status 1; a second one waits for the first.",
    examples: ["powermon restore", "powermon restore --json"],
  },
  args: { ...ROOT_ARGS, json: { type: "boolean", description: "print one JSON object" } },
  async run({ args, io }) {
    const roots = rootsOf(args);
    const alone = await claimRestore(roots);
    if (!alone.ok) {
      io.err(`powermon: ${alone.error}`);
      return STATUS.failed;
    }
    const { restored, stale, off, failed } = restore(roots);
    // After clocks, which take some ms: libvirt may take long.
    const sleep = await undoTrip(roots);
    alone.value();
    const profile = off?.profile;
    if (args.json) {
      const problems = [...failed.map(explainSysfs), ...sleep.failed];
      io.out(JSON.stringify({ restored, stale, profile, sleep: sleep.undone, failed: problems }));
    } else {
      for (const id of restored) io.out(`policy${id}: restored`);
      for (const id of stale) io.out(`policy${id}: saved before the last boot, dropped`);
      if (profile !== undefined)
        io.out(
          off?.stale ? `profile ${profile}: saved before the last boot, dropped` : `profile ${profile}: off`,
        );
      for (const one of sleep.undone) io.out(`sleep: ${one}`);
      for (const why of [...failed.map(explainSysfs), ...sleep.failed]) io.err(`powermon: ${why}`);
      const done = restored.length + stale.length + sleep.undone.length;
      if (done + failed.length + sleep.failed.length === 0 && profile === undefined)
        io.out("Nothing to restore.");
    }
    return failed.length + sleep.failed.length > 0 ? STATUS.failed : STATUS.done;
  },
});

function restore(roots: Roots) {
  const lost = takeUpRecords(roots.stateDir);
  const { restored, failed, stale } = restoreAll(roots);
  const claims = [...lost, ...failed];
  // Claims were made on top of the profile: while one stands, what is beneath it can't be put back.
  const off = claims.length > 0 ? undefined : restoreProfile(roots);
  return { restored, stale, off, failed: [...claims, ...(off?.failed ?? [])] };
}
