// The words of a line to the agent: each is read here, or refused with what it may be.

import { parseCpuList, MAX_CPUS } from "../../values/cpulist.ts";
import { err, ok, type Result } from "../../values/result.ts";

/** A JSON object whose members were not looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** All vCPUs that can be named. */
const EVERY = Array.from({ length: MAX_CPUS }, (_, i) => i);

/** Reads a number, a list of them, or a list as the kernel writes it; `optional` when leaving it out means all. Errors: a sentence. */
export function parseVcpus(said: unknown, optional: boolean): Result<readonly number[], string> {
  if (said === undefined && optional) return ok(EVERY);
  const text = Array.isArray(said) ? said.join(",") : typeof said === "number" ? String(said) : said;
  const list = typeof text === "string" ? parseCpuList(text) : err("");
  if (list.ok && list.value.length > 0) return ok(list.value);
  return err(`"vcpus" is ${show(said)}; write a number, [0,2] or "0,2-3".`);
}

/** Reads one of `words`. Errors: a sentence. */
export function parseWord<const T extends string>(
  key: string,
  said: unknown,
  words: readonly T[],
): Result<T, string> {
  const word = words.find((one) => one === said);
  return word === undefined ? err(`"${key}" is ${show(said)}; it may be ${words.join(", ")}.`) : ok(word);
}

/** Reads true or false, which is what leaving it out means. Errors: a sentence. */
export function parseYes(key: string, said: unknown): Result<boolean, string> {
  if (said === undefined || typeof said === "boolean") return ok(said === true);
  return err(`"${key}" is ${show(said)}; it may be true or false.`);
}

/** Reads a whole number from `min` to `max`. Errors: a sentence. */
export function parseWhole(key: string, said: unknown, min: number, max: number): Result<number, string> {
  if (typeof said === "number" && Number.isInteger(said) && said >= min && said <= max) return ok(said);
  return err(`"${key}" is ${show(said)}; it may be a whole number from ${min} to ${max}.`);
}

/** Returns a value as a sentence quotes it, cut after 80 letters. */
export function show(value: unknown): string {
  return (JSON.stringify(value) ?? "missing").slice(0, 80);
}
