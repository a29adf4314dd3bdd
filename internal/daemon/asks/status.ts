// How the daemon is, and reading its configuration again.

import type { StatusReport } from "../../api/status.ts";
import type { Handlers } from "../../api/table.ts";
import { configChanges } from "../../config/changes.ts";
import { describeProblem } from "../../config/problem.ts";
import { ok } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import type { Changes } from "../changes.ts";
import { type HungCall } from "../../sysfs/hung.ts";
import { nextTry } from "../hung-calls.ts";
import type { Host } from "../host.ts";
import { tryConfig } from "../rehearsal/try-config.ts";
import type { HostBudget } from "../budget/host-budget.ts";
import { budgetGlance } from "./budget.ts";
import { sumCounts } from "./channels.ts";

const STARTED_MS = performance.now();

/** Returns how long the daemon has been there, in whole seconds. */
export const uptimeS = (): number => Math.round((performance.now() - STARTED_MS) / 1000);

function fleetGlance({ fleet }: Host): StatusReport["fleet"] {
  if (fleet === undefined) return undefined;
  const { leads, grant: grantWatts, fallback: fallbackWatts, problem } = fleet.state;
  return { group: fleet.group, leads, grantWatts, fallbackWatts, problem };
}

const hungReport = (call: HungCall) => ({
  path: call.path,
  cpus: call.cpus,
  since: new Date(call.since).toISOString(),
  tries: call.tries,
  nextTry: new Date(nextTry(call)).toISOString(),
});

/** @param reloaded another configuration is in force */
export function statusAsks(
  host: Host,
  version: string,
  changes: Changes,
  budget: HostBudget,
  reloaded: () => void,
) {
  const { channels, cpufreq, ledger, log } = host;
  return {
    status() {
      const { config } = host;
      const all = [...channels.all];
      return ok({
        version,
        pid: process.pid,
        uptimeS: uptimeS(),
        configFiles: config.files,
        dirs: channels.dirs,
        stateDir: config.stateDir,
        domains: cpufreq.domains.length,
        drivers: [...new Set(cpufreq.domains.map(({ driver }) => driver))],
        problems: [
          ...cpufreq.problems.map(explainSysfs),
          ...host.problems,
          ...(host.fleet?.state.problem === undefined
            ? []
            : [`The fleet can't be asked: ${host.fleet.state.problem}`]),
        ],
        hung: (host.hung?.all ?? []).map(hungReport),
        vms: [...channels.vms].length,
        channels: { total: all.length, connected: all.filter(({ state }) => state === "connected").length },
        claims: [...ledger.claims()].length,
        budget: budgetGlance(budget),
        fleet: fleetGlance(host),
        counts: { ...sumCounts(all), drifts: host.upkeep.drifts },
        eventId: `${host.events.boot}-${host.events.last}`,
      });
    },

    reload({ dryRun = false }: { readonly dryRun?: boolean } = {}, _gone?: AbortSignal, user?: string) {
      const loaded = changes.load();
      if (!loaded.ok && dryRun) return loaded;
      if (!loaded.ok) {
        log.error(`Configuration refused, the old one stays: ${loaded.error.message}`);
        return loaded;
      }
      const warnings = loaded.value.warnings.map(describeProblem);
      const report = {
        files: loaded.value.files,
        reloaded: !dryRun,
        warnings,
        changes: configChanges(host.config.says, loaded.value.says),
        runtime: changes.standing(),
      };
      if (dryRun) {
        const { clocks, warnings: more } = tryConfig(host, loaded.value);
        return ok({ ...report, warnings: [...warnings, ...more], clocks });
      }
      for (const warning of warnings) log.warn(warning);
      host.configure(loaded.value, user);
      reloaded();
      log.info("Configuration reloaded", { files: loaded.value.files.join(",") });
      return ok(report);
    },
  } satisfies Pick<Handlers, "status" | "reload">;
}
