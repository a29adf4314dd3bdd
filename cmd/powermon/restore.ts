// powermon restore: puts the original settings back after a crash, when nobody is left to do it.

import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { restoreBackstop } from "../../internal/budget/backstop.ts";
import { claimRestore, refuseRestore } from "../../internal/daemon/instance.ts";
import { HungCalls } from "../../internal/daemon/hung-calls.ts";
import { takeUpRecords } from "../../internal/daemon/older-records.ts";
import { restoreProfile } from "../../internal/power/profiles/off.ts";
import { undoTrip } from "../../internal/power/sleep/trip.ts";
import { json } from "../../internal/output/json.ts";
import { explainSysfs } from "../../internal/values/sysfs-error.ts";
import { LEFT_ALONE } from "../../internal/sysfs/calls.ts";
import { restoreAll, type Roots } from "../../internal/sysfs/cpufreq/originals.ts";
import { OriginalsStore } from "../../internal/sysfs/cpufreq/store.ts";
import { explainHung } from "../../internal/sysfs/hung.ts";
import type { DomainId } from "../../internal/values/units.ts";
import { failWith } from "../fail.ts";
import { DRY_RUN_ARG, showDryRun } from "./dry-run.ts";
import { foreseeAll } from "./restore/foresee.ts";
import { ROOT_ARGS, rootsOf } from "./roots.ts";
import { tryAnew } from "./try.ts";

export default defineCommand({
  meta: {
    name: "restore",
    summary: "put every setting back as it was before powermon's first write",
    details:
      "Guests' clocks first, then the profile that they stood within, then RAPL's limits that a budget's backstop moved, VMs, wake alarm and meaning of mem and disk of a sleep that was cut off. For after a crash or SIGKILL; a powermon that ends by SIGTERM does it itself. Settings saved before the last boot are dropped, since the kernel has forgotten them too. While powermon runs it does nothing and ends with status 1; a second one waits for the first. A clock on which a call of the ended powermon did not return comes last, in a process of its own: where that does not come back within 3 s either, it is named, stays as it is, and the next powermon leaves it alone.",
    examples: ["powermon restore --dry-run", "powermon restore", "powermon restore --json"],
  },
  args: { ...DRY_RUN_ARG, ...ROOT_ARGS, json: { type: "boolean", description: "print one JSON object" } },
  async run({ args, io }) {
    const roots = rootsOf(args);
    if (args["dry-run"]) {
      const served = refuseRestore(roots);
      if (served !== undefined) return failWith({ args, io }, STATUS.failed, [served]);
      const { report, hasFailed } = foreseeAll(roots);
      io.out(args.json ? json(report) : showDryRun(report));
      return hasFailed ? STATUS.failed : STATUS.done;
    }
    const alone = await claimRestore(roots);
    if (!alone.ok) return failWith({ args, io }, STATUS.failed, [alone.error]);
    const { restored, stale, off, limits, failed, hung } = await restore(roots);
    // After clocks, which take some ms: libvirt may take long.
    const sleep = await undoTrip(roots);
    alone.value();
    const profile = off?.profile;
    const problems = [...failed.map(explainSysfs), ...sleep.failed];
    if (args.json) {
      io.out(
        JSON.stringify({
          restored,
          stale,
          profile,
          limits,
          sleep: sleep.undone,
          failed: problems,
          hung: hung.map(explainHung),
        }),
      );
    } else {
      for (const id of restored) io.out(`policy${id}: restored`);
      for (const id of stale) io.out(`policy${id}: saved before the last boot, dropped`);
      if (profile !== undefined)
        io.out(
          off?.stale ? `profile ${profile}: saved before the last boot, dropped` : `profile ${profile}: off`,
        );
      for (const path of limits) io.out(`${path}: long-term limit restored`);
      for (const one of sleep.undone) io.out(`sleep: ${one}`);
      for (const why of problems) io.err(`powermon: ${why}`);
      for (const call of hung) io.err(`powermon: ${explainHung(call)}; the rest was put back.`);
      const told =
        restored.length + stale.length + limits.length + sleep.undone.length + problems.length + hung.length;
      if (told === 0 && profile === undefined) io.out("Nothing to restore.");
    }
    return problems.length + hung.length > 0 ? STATUS.failed : STATUS.done;
  },
});

async function restore(roots: Roots) {
  const lost = takeUpRecords(roots.stateDir);
  const hung = new HungCalls(roots, tryAnew(roots));
  const first = restoreAll(roots);
  let { failed } = first;
  const restored = [...first.restored];
  if (hung.all.length > 0) {
    const saved = savedIn(roots);
    await hung.retry(hung.all);
    // Whoever tried a clock and came back has put it back, too.
    const left = savedIn(roots);
    const again = restoreAll(roots);
    restored.push(...saved.filter((id) => !left.includes(id)), ...again.restored);
    failed = again.failed;
  }
  const claims = [...lost, ...failed];
  // Claims were made on top of the profile: while one stands, what is beneath it can't be put back. What is left alone keeps its own alone.
  const stands = claims.some(({ code }) => code !== LEFT_ALONE);
  const off = stands ? undefined : restoreProfile(roots);
  const backstop = restoreBackstop(roots);
  hung.end();
  const failedToo = [...(off?.failed ?? []), ...backstop.failed];
  return {
    restored,
    stale: first.stale,
    off,
    limits: backstop.restored,
    failed: [...claims, ...failedToo],
    hung: hung.all,
  };
}

function savedIn({ stateDir, procRoot }: Roots): readonly DomainId[] {
  const ids = new OriginalsStore(stateDir, procRoot).list();
  return ids.ok ? ids.value : [];
}
