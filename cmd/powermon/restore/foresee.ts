// powermon restore --dry-run: what would be put back, read and not written.

import { foreseeBackstop } from "../../../internal/budget/backstop.ts";
import type { DryRunReport } from "../../../internal/api/dry-run.ts";
import { foreseeOff, offChanges } from "../../../internal/power/profiles/off.ts";
import { foreseeTrip } from "../../../internal/power/sleep/trip.ts";
import { leaveAlone } from "../../../internal/sysfs/calls.ts";
import { foreseeRestore } from "../../../internal/sysfs/cpufreq/foresee-restore.ts";
import type { Roots } from "../../../internal/sysfs/cpufreq/originals.ts";
import { explainHung, readHung, readSuspect } from "../../../internal/sysfs/hung.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";

/** Returns what a restore would change, and what of it can't be told. Files that are known to hang are not read. */
export function foreseeAll(roots: Roots, now = Date.now()) {
  const known = readHung(roots);
  const suspect = readSuspect(roots, now);
  const hung = [...(known.ok ? known.value : []), ...(suspect ? [suspect] : [])];
  leaveAlone(hung);
  const clocks = foreseeRestore(roots);
  const off = foreseeOff(roots);
  const limits = foreseeBackstop(roots);
  const sleep = foreseeTrip(roots);
  const problems = [
    ...clocks.failed.map(explainSysfs),
    ...[known, off, limits, sleep].flatMap((one) => (one.ok ? [] : [explainSysfs(one.error)])),
  ];
  const report: DryRunReport = {
    dryRun: true,
    changes: [
      ...clocks.attributes.map(({ path, found, wanted }) => ({ what: path, before: found, after: wanted })),
      ...clocks.stale.map((id) => ({ what: `policy${id}, saved before the last boot`, before: "kept" })),
      ...(off.ok ? offChanges(off.value) : []),
      ...(limits.ok ? limits.value : []).map(({ path, found, wanted }) => ({
        what: `${path}, long-term limit`,
        ...(found !== undefined && { before: `${found / 1e6} W` }),
        after: `${wanted / 1e6} W`,
      })),
      ...(sleep.ok ? sleep.value : []).map((one) => ({ what: "left of a sleep", after: one })),
    ],
    clocks: [],
    warnings: [
      ...problems,
      ...hung.map((call) => `${explainHung(call)}; it is put back last, if it answers.`),
    ],
  };
  return { report, hasFailed: problems.length > 0 };
}
