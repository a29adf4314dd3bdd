// Calls on the machine's files, any of which a stuck driver may never let return: each is marked, and what hung once is left alone.

import type { SysfsError } from "../values/sysfs-error.ts";

/** Who is told of each call; the mark must cost next to nothing. */
interface Marker {
  begin(path: string): void;
  end(): void;
}

/** What is left alone. */
export interface Alone {
  /** See scopeOf(). */
  readonly scope: string;
  /** CPUs that it concerns. */
  readonly cpus: readonly number[];
}

const NOBODY: Marker = { begin() {}, end() {} };

/** Told before and after each call on a file. */
export let marker: Marker = NOBODY;
let leftAlone: readonly Alone[] = [];

/** The code of an error of ours: no call was made. */
export const LEFT_ALONE = "left alone, since a call there did not return";

/** Has each call from now on told to `told`; to nobody when it is undefined. */
export function markCalls(told: Marker | undefined): void {
  marker = told ?? NOBODY;
}

/** Leaves these alone from now on, and nothing else. */
export function leaveAlone(these: readonly Alone[]): void {
  leftAlone = these;
}

/** Returns whether the clock of `cpu` is left alone. @param cpuRoot stands for /sys/devices/system/cpu */
export const isClockAlone = (cpuRoot: string, cpu: number): boolean =>
  leftAlone.some(({ scope, cpus }) => scope.startsWith(`${cpuRoot}/cpufreq/policy`) && cpus.includes(cpu));

/**
 * Returns what hangs with the file at `path`: its clock's folder with a slash, for the kernel holds one lock over all of a clock, reading
 * included; else the file alone. Source: drivers/cpufreq/cpufreq.c, show() and store(), policy->rwsem.
 */
export const scopeOf = (path: string): string => /^.*\/cpufreq\/policy\d+\//.exec(path)?.[0] ?? path;

/**
 * Switches of the whole machine, by which the kernel writes to every clock, those that hang too. Source: drivers/cpufreq/cpufreq.c,
 * cpufreq_boost_trigger_state(); intel_pstate.c, store_no_turbo(); amd-pstate.c, status_store().
 */
const OF_ALL_CLOCKS = /\/cpu\/(?:cpufreq\/boost|(?:intel|amd)_pstate\/\w+)$/;

/** Returns the error for a call on the file at `path` that must not be made; undefined when it may be. */
export function refuseCall(op: SysfsError["op"], path: string): SysfsError | undefined {
  if (leftAlone.length === 0) return undefined;
  const reachesAll = op === "write" && OF_ALL_CLOCKS.test(path);
  const within = ({ scope }: Alone) =>
    scope.endsWith("/") ? reachesAll || path.startsWith(scope) : path === scope;
  return leftAlone.some(within) ? { kind: "sysfs", op, path, code: LEFT_ALONE } : undefined;
}
