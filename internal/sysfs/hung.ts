// Calls that did not return, kept over restarts of powermon within this boot: which file, since when, and which CPUs that concerns.

import { readlinkSync } from "node:fs";
import { isThere, type MarkedProcess, readLeftCall } from "../os/call-mark.ts";
import { ok, type Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { forgetBootRecord, readBootRecord, writeBootRecord } from "./boot-record.ts";
import { scopeOf } from "./calls.ts";
import { cpuRootOf, type Roots } from "./cpufreq/originals.ts";
import { listNumbered } from "./numbered.ts";

/** A call that did not return. */
export interface HungCall {
  readonly path: string;
  /** What is left alone for it, see scopeOf(). */
  readonly scope: string;
  /** CPUs whose clock or own file it is; none where it is the machine's. */
  readonly cpus: readonly number[];
  /** Date.now() when it was found. */
  readonly since: number;
  /** Date.now() of the last try, and how many there were that did not return either. */
  readonly triedAt: number;
  readonly tries: number;
  /** Who made the call, or the last try: while that process is there it still hangs. */
  readonly process: MarkedProcess | undefined;
}

/** More are not kept: that many files that hang are a machine that does. */
const MAX_CALLS = 256;

const recordOf = (stateDir: string): string => `${stateDir}/hung.json`;

/** Returns the page in which a powermon that uses `stateDir` marks its calls. */
export const markOf = (stateDir: string): string => `${stateDir}/call`;

/** Reads what is known to hang. Errors: EINVAL for a file that can't be understood, ENOENT where there is no boot id, EACCES. */
export function readHung({ sysfsRoot, procRoot, stateDir }: Roots): Result<readonly HungCall[], SysfsError> {
  const read = readBootRecord(procRoot, recordOf(stateDir), ({ calls }) => {
    const known = Array.isArray(calls) ? calls.map((raw: unknown) => judge(raw, sysfsRoot)) : [undefined];
    return known.every((call) => call !== undefined) ? known.slice(0, MAX_CALLS) : undefined;
  });
  if (!read.ok) return read;
  return ok(read.value.state === "current" ? read.value.record : []);
}

/** Keeps `calls` in place of what was known to hang. Errors: ENOSPC, EACCES, EROFS. */
export function writeHung(
  { procRoot, stateDir }: Roots,
  calls: readonly HungCall[],
): Result<void, SysfsError> {
  const path = recordOf(stateDir);
  if (calls.length === 0) return forgetBootRecord(path);
  return writeBootRecord(procRoot, path, { calls: calls.slice(0, MAX_CALLS) });
}

/**
 * Returns the call of the machine's that was under way when the last powermon ended, as one that may hang; undefined when there was none.
 * @param now Date.now()
 */
export function readSuspect(roots: Roots, now: number): HungCall | undefined {
  const left = readLeftCall(markOf(roots.stateDir));
  if (left === undefined || !isOfMachine(left.path, roots.sysfsRoot)) return undefined;
  const { path, process } = left;
  const cpus = readCpusOf(roots, path);
  return { path, scope: scopeOf(path), cpus, since: now, triedAt: now, tries: 0, process };
}

/** Returns whether the process that made the call, or the last try, is still in it. */
export const isStuck = ({ process }: HungCall): boolean => process !== undefined && isThere(process);

/** Returns a sentence's subject and predicate: what hangs, since when, on which CPUs. */
export function explainHung({ path, cpus, since }: Pick<HungCall, "path" | "cpus" | "since">): string {
  const whose =
    cpus.length === 0 ? "it is" : `the clock of CPU${cpus.length > 1 ? "s" : ""} ${cpus.join(", ")} is`;
  const at = new Date(since).toISOString();
  return `A call on "${path}" did not return (found ${at}): ${whose} left alone`;
}

/** A record must not lead a root program elsewhere. Sleep holds on for as long as the machine sleeps. */
function isOfMachine(path: string, sysfsRoot: string): boolean {
  const below = path.startsWith(`${sysfsRoot}/`) ? path.slice(sysfsRoot.length + 1) : "";
  return below !== "" && !below.split("/").includes("..") && !below.startsWith("power/");
}

function judge(raw: unknown, sysfsRoot: string): HungCall | undefined {
  const { path, cpus, since, triedAt, tries, process } = (raw ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || !isOfMachine(path, sysfsRoot)) return undefined;
  if (!Array.isArray(cpus) || !cpus.every(isCount)) return undefined;
  if (!isCount(since) || !isCount(triedAt) || !isCount(tries)) return undefined;
  const { pid, startTime } = (process ?? {}) as Readonly<Record<string, unknown>>;
  const known = isCount(pid) && typeof startTime === "string" ? { pid, startTime } : undefined;
  return { path, scope: scopeOf(path), cpus, since, triedAt, tries, process: known };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The links of CPUs to their clock are answered by no driver; a CPU that is offline has none. Source: drivers/cpufreq/cpufreq.c, add_cpu_dev_symlink. */
function readCpusOf(roots: Roots, path: string): number[] {
  const cpuRoot = cpuRootOf(roots);
  const own = /\/cpu\/cpu(\d{1,5})\//.exec(path)?.[1];
  if (own !== undefined) return [Number(own)];
  const policy = /\/cpufreq\/(policy(\d{1,5}))\//.exec(path);
  if (policy === null) return [];
  const numbers = listNumbered(cpuRoot, "cpu");
  const cpus = (numbers.ok ? numbers.value : []).filter((cpu) => {
    try {
      return readlinkSync(`${cpuRoot}/cpu${cpu}/cpufreq`).endsWith(`/${policy[1]}`);
    } catch {
      return false;
    }
  });
  return cpus.length > 0 ? cpus : [Number(policy[2])];
}
