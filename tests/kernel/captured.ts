// What a captured tree says of its policies, taken out of the files before the model puts its own in their place.

import { type Attribute, CPU, type Files } from "./files.ts";
import type { Policy, Range } from "./policy.ts";

/** Names that the core or a driver answers by itself. */
const MODELLED = new Set([
  "affected_cpus",
  "related_cpus",
  "cpuinfo_min_freq",
  "cpuinfo_max_freq",
  "scaling_driver",
  "scaling_cur_freq",
  "scaling_available_governors",
  "scaling_governor",
  "scaling_min_freq",
  "scaling_max_freq",
  "scaling_setspeed",
  "boost",
  "energy_performance_preference",
  "energy_performance_available_preferences",
]);

/** One policy as it was captured. */
export interface Captured {
  readonly related: readonly number[];
  readonly driver: string;
  readonly governor: string;
  readonly hardware: Range;
  readonly limits: Range;
  readonly cur: number;
  readonly table: readonly number[] | undefined;
  readonly boostTable: readonly number[];
  /** kHz; undefined where the driver does not tell. */
  readonly base: number | undefined;
  readonly epp: string | undefined;
  /** Those that a driver without an own mind has; undefined where it has one. */
  readonly governors: readonly string[] | undefined;
  /** It has a boost file of its own: Linux 6.11 and later. */
  readonly ownBoost: boolean;
  /** Files that nothing moves. */
  readonly rest: Readonly<Record<string, string>>;
}

/** Reads all policies, by number, and takes their folders and links away. */
export function takePolicies(files: Files): Map<number, Captured> {
  const found = new Map<number, Captured>();
  for (const name of files.names(`${CPU}/cpufreq`) ?? []) {
    const id = /^policy(\d+)$/.exec(name)?.[1];
    if (id === undefined) continue;
    const folder = `${CPU}/cpufreq/${name}`;
    const line = (file: string) => files.line(`${folder}/${file}`);
    const khz = (file: string) => Number(line(file) ?? 0);
    const rest = files.below(folder).filter((file) => !MODELLED.has(file));
    const base = line("base_frequency");
    found.set(Number(id), {
      related: files.cpus(`${folder}/related_cpus`),
      driver: line("scaling_driver") ?? "",
      governor: line("scaling_governor") ?? "",
      hardware: { min: khz("cpuinfo_min_freq"), max: khz("cpuinfo_max_freq") },
      limits: { min: khz("scaling_min_freq"), max: khz("scaling_max_freq") },
      cur: khz("scaling_cur_freq"),
      table: frequencies(line("scaling_available_frequencies")),
      boostTable: frequencies(line("scaling_boost_frequencies")) ?? [],
      base: base === undefined ? undefined : Number(base),
      epp: line("energy_performance_preference"),
      governors: line("scaling_available_governors")?.endsWith(" ")
        ? line("scaling_available_governors")?.trim().split(" ")
        : undefined,
      ownBoost: line("boost") !== undefined,
      rest: Object.fromEntries(rest.map((file) => [file, line(file) ?? ""])),
    });
    files.remove(folder);
    for (const cpu of found.get(Number(id))?.related ?? []) files.remove(`${CPU}/cpu${cpu}/cpufreq`);
  }
  return found;
}

/** Returns what was captured of `policy`. */
export function capturedOf(captured: ReadonlyMap<number, Captured>, policy: Policy): Captured {
  const found = captured.get(policy.id);
  if (!found) throw new Error(`policy${policy.id} was not captured`);
  return found;
}

/** Returns the files of a policy that nothing moves. */
export function restOf(captured: ReadonlyMap<number, Captured>, policy: Policy): Record<string, Attribute> {
  return Object.fromEntries(
    Object.entries(capturedOf(captured, policy).rest).map(([name, text]) => [name, { show: () => text }]),
  );
}

function frequencies(line: string | undefined): number[] | undefined {
  return line
    ?.trim()
    .split(/\s+/)
    .map(Number)
    .sort((a, b) => a - b);
}
