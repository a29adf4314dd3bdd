// powermon restore: puts the original settings back after a crash, when nobody is left to do it.

import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { runningInstance } from "../../internal/daemon/instance.ts";
import { restoreProfile } from "../../internal/power/profiles/off.ts";
import { explainSysfs } from "../../internal/values/sysfs-error.ts";
import { restoreAll } from "../../internal/sysfs/cpufreq/originals.ts";
import { ROOT_ARGS, rootsOf } from "./roots.ts";

export default defineCommand({
  meta: {
    name: "restore",
    summary: "put every setting back as it was before powermon's first write",
    details:
      "Guests' clocks first, then the profile that they stood within. For after a crash or SIGKILL; a powermon that ends by SIGTERM does it itself. Settings saved before the last boot are dropped, since the kernel has forgotten them too. While powermon runs it does nothing and ends with status 1.",
    examples: ["powermon restore", "powermon restore --json"],
  },
  args: { ...ROOT_ARGS, json: { type: "boolean", description: "print one JSON object" } },
  run({ args, io }) {
    const roots = rootsOf(args);
    const running = runningInstance(roots.stateDir);
    if (running !== undefined) {
      io.err(
        `powermon: process ${running} serves with these settings; stop it, and it restores them itself.`,
      );
      return STATUS.failed;
    }
    const { restored, failed: claims, stale } = restoreAll(roots);
    // Claims were made on top of the profile: while one stands, what is beneath it can't be put back.
    const off = claims.length > 0 ? undefined : restoreProfile(roots);
    const failed = [...claims, ...(off?.failed ?? [])];
    const profile = off?.profile;
    if (args.json) {
      io.out(JSON.stringify({ restored, stale, profile, failed: failed.map(explainSysfs) }));
    } else {
      for (const id of restored) io.out(`policy${id}: restored`);
      for (const id of stale) io.out(`policy${id}: saved before the last boot, dropped`);
      if (profile !== undefined)
        io.out(
          off?.stale ? `profile ${profile}: saved before the last boot, dropped` : `profile ${profile}: off`,
        );
      for (const error of failed) io.err(`powermon: ${explainSysfs(error)}`);
      if (restored.length + stale.length + failed.length === 0 && profile === undefined)
        io.out("Nothing to restore.");
    }
    return failed.length > 0 ? STATUS.failed : STATUS.done;
  },
});
