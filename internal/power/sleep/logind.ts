// What logind knows and decides about sleep.

import { complaint, type Ended, type Run, runCommand } from "../../os/spawn.ts";
import { parseJson } from "../../values/json.ts";
import type { Result } from "../../values/result.ts";
import type { SleepTarget } from "./sleep-target.ts";

/** logind's words for what can be done. Source: org.freedesktop.login1(5), CanSuspend() and its kin. */
export type Can = "yes" | "no" | "challenge" | "na";

/** Somebody who asked not to sleep, or not yet. Source: org.freedesktop.login1(5), ListInhibitors(). */
export interface Inhibitor {
  readonly who: string;
  readonly why: string;
  /** block refuses, delay only makes logind wait a moment. */
  readonly mode: string;
  readonly pid: number;
}

/** A logind that answers. */
export interface Logind {
  readonly can: Readonly<Partial<Record<SleepTarget, Can>>>;
  readonly inhibitors: readonly Inhibitor[];
}

/** logind's method per target; it can't be asked for freeze. */
const METHOD: Readonly<Partial<Record<SleepTarget, string>>> = {
  mem: "Suspend",
  disk: "Hibernate",
  hybrid: "HybridSleep",
};

const ASK_MS = 3000;
/** A sleep call returns once the order is taken. */
const SLEEP_CALL_MS = 30_000;
const LOGIND = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"];

const busctl = (run: Run, limitMs: number, verb: string, ...args: string[]) =>
  run(
    [
      "busctl",
      "--system",
      "--json=short",
      "--auto-start=no",
      `--timeout=${Math.ceil(limitMs / 1000)}`,
      verb,
      ...LOGIND,
      ...args,
    ],
    { limitMs },
  );
const call = (run: Run, limitMs: number, method: string, ...args: string[]) =>
  busctl(run, limitMs, "call", method, ...args);

/** Asks the logind that runs; undefined when none answers in time. It is never started by this. */
export async function askLogind(run: Run = runCommand): Promise<Logind | undefined> {
  const targets = Object.entries(METHOD) as [SleepTarget, string][];
  const [first, ...rest] = targets;
  if (first === undefined) return undefined;
  // One question alone first: a machine without D-Bus is left after one child.
  const probe = await call(run, ASK_MS, `Can${first[1]}`);
  if (!probe.ok || probe.value.status !== 0) return undefined;
  const [others, inhibitors] = await Promise.all([
    Promise.all(rest.map(([, method]) => call(run, ASK_MS, `Can${method}`))),
    listInhibitors(run),
  ]);
  const can: Partial<Record<SleepTarget, Can>> = {};
  for (const [i, ended] of [probe, ...others].entries()) {
    const word = oneString(ended);
    const target = targets[i]?.[0];
    if (target !== undefined && isCan(word)) can[target] = word;
  }
  return { can, inhibitors };
}

/** Asks logind who inhibits sleep; none when it does not answer. */
export async function listInhibitors(run: Run): Promise<Inhibitor[]> {
  return parseInhibitors(printed(await call(run, ASK_MS, "ListInhibitors")));
}

/** Asks logind to sleep; returns what it complained about, undefined when it took the order. */
export async function sleepByLogind(target: SleepTarget, run: Run = runCommand): Promise<string | undefined> {
  const method = METHOD[target];
  if (method === undefined) return `logind has no way to ${target}`;
  const ended = await call(run, SLEEP_CALL_MS, method, "b", "false");
  if (!ended.ok) return `logind did not answer within ${SLEEP_CALL_MS / 1000} s`;
  return ended.value.status === 0 ? undefined : complaint("busctl", ended.value);
}

/** Asks logind whether a sleep is on its way or under way; undefined when it does not answer. Source: org.freedesktop.login1(5), PreparingForSleep. */
export async function readPreparing(run: Run): Promise<boolean | undefined> {
  const ended = await busctl(run, ASK_MS, "get-property", "PreparingForSleep");
  if (!ended.ok || ended.value.status !== 0) return undefined;
  const data = fieldOf(ended.value.stdout);
  return typeof data === "boolean" ? data : undefined;
}

/** Returns those of busctl's answer to ListInhibitors that concern sleep. */
export function parseInhibitors(text: string): Inhibitor[] {
  const rows = dataOf(text)[0];
  if (!Array.isArray(rows)) return [];
  const found: Inhibitor[] = [];
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row)) continue;
    const [what, who, why, mode, , pid] = row as unknown[];
    if (typeof what !== "string" || typeof who !== "string" || !what.split(":").includes("sleep")) continue;
    found.push({ who, why: String(why), mode: String(mode), pid: Number(pid) });
  }
  return found;
}

const printed = (ended: Result<Ended, unknown>): string => (ended.ok ? ended.value.stdout : "");
const oneString = (ended: Result<Ended, unknown>): unknown => dataOf(printed(ended))[0];

function dataOf(text: string): readonly unknown[] {
  const data = fieldOf(text);
  return Array.isArray(data) ? data : [];
}

function fieldOf(text: string): unknown {
  const answer = parseJson(text);
  return typeof answer === "object" && answer !== null && "data" in answer ? answer.data : undefined;
}

const isCan = (word: unknown): word is Can =>
  word === "yes" || word === "no" || word === "challenge" || word === "na";
