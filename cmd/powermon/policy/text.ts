// A dry run for people and for scripts.

import { formatCpuList } from "../../../internal/values/cpulist.ts";
import type { Pcpu } from "../../../internal/values/units.ts";
import type { Simulated, SimulatedChange } from "../../../internal/rules/simulation.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import { isoTime } from "../dry-run-input.ts";

/** What a dry run was about. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly zone: string;
  readonly type: string;
}

/** Returns the dry run as two tables: changes in their order, then the share of time at each frequency. */
export function simulationText(done: Simulated, { from, to, zone, type }: Span): string {
  const changes = changesOf(done).map(({ at, cpus, level, khz }) => [
    isoTime(at, zone),
    formatCpuList(cpus),
    `${level}`,
    `${khz}`,
  ]);
  const shares = sharesOf(done, to - from).map(({ cpus, khz, share }) => [
    formatCpuList(cpus),
    khz === null ? "as it was" : `${khz}`,
    `${(100 * share).toFixed(1)} %`,
  ]);
  return [
    `Policy of type ${type}, ${isoTime(from, zone)} to ${isoTime(to, zone)} (${zone})`,
    changes.length === 0 ? "No change." : table([["TIME", "CPUS", "LEVEL", "KHZ"], ...changes]),
    table([["CPUS", "KHZ", "SHARE"], ...shares]),
  ].join("\n\n");
}

/** Returns the dry run as JSON: {type, from, to, timeZone, changes: [{at, cpus, level, khz}], shares: [{cpus, khz, share}]}; times in ISO 8601, share 0 to 1, khz null where the policy left it as it was. */
export function simulationJson(done: Simulated, { from, to, zone, type }: Span): string {
  const changes = changesOf(done).map((change) => ({ ...change, at: isoTime(change.at, zone) }));
  return json({
    type,
    from: isoTime(from, zone),
    to: isoTime(to, zone),
    timeZone: zone,
    changes,
    shares: sharesOf(done, to - from),
  });
}

/** CPUs that change alike at the same time are one change. */
function changesOf({ changes }: Simulated) {
  const alike = Map.groupBy(changes, ({ at, khz, level }) => `${at} ${khz} ${level}`);
  return [...alike.values()].map((group) => {
    const { at, level, khz } = group[0] as SimulatedChange;
    return { at, cpus: group.map(({ cpu }) => cpu), level, khz };
  });
}

/** CPUs that spent their time alike are one group. */
function sharesOf({ shares }: Simulated, whole: number) {
  const byCpu = Map.groupBy(shares, ({ cpu }) => cpu);
  const rowsOf = (cpu: Pcpu) =>
    (byCpu.get(cpu) ?? []).map(({ khz, ms }) => ({ khz: khz ?? null, share: ms / whole }));
  const alike = Map.groupBy(byCpu.keys(), (cpu) => JSON.stringify(rowsOf(cpu)));
  return [...alike.values()].flatMap((cpus) =>
    rowsOf(cpus[0] as Pcpu).map(({ khz, share }) => ({ cpus, khz, share })),
  );
}
