// What the words of a command line mean: numbers, lists and durations, each checked in one way.

import * as v from "valibot";
import { MAX_CPUS, parseCpuList } from "../values/cpulist.ts";
import { UsageError } from "./usage-error.ts";
import { labelOf, quote } from "./words.ts";

/**
 * Returns `args` (or the part of them that `schema` names) as the schema's output.
 * Errors: UsageError such as: --timeout-ms must be a whole number from 1 to 60000, not "abc". A schema's message is the middle of
 * that sentence: "must be ...".
 */
export function parseArgs<S extends v.GenericSchema>(schema: S, args: object): v.InferOutput<S> {
  const parsed = v.safeParse(schema, args);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  const key = issue.path?.[0]?.key;
  if (typeof key !== "string") throw new UsageError(`${issue.message}.`);
  const given: unknown = Reflect.get(args, key);
  if (given === undefined) throw new UsageError(`${labelOf(args, key)} is missing; it ${issue.message}.`);
  throw new UsageError(`${labelOf(args, key)} ${issue.message}, not ${quote(String(issue.input))}.`);
}

/** Any text but the empty one. */
export const nonEmpty = v.pipe(v.string("must be given"), v.minLength(1, "must not be empty"));

/** A schema for a whole decimal number from `min` to `max`, given as text. */
export function integer(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.string(message),
    v.regex(/^-?[0-9]{1,15}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

/** Some of `words` as one word of a command line, with commas between. */
export function wordList<const T extends string>(words: readonly T[]) {
  const message = `must be some of ${words.join(", ")}, with commas`;
  return v.pipe(
    v.string(message),
    v.transform((text) => text.split(",")),
    v.check((said) => said.every((word) => words.some((one) => one === word)), message),
    v.transform((said) => said as T[]),
  );
}

const CPU_LIST_MESSAGE = `must be a list of CPU numbers from 0 to ${MAX_CPUS - 1} such as 1,3,5-7`;

/** A CPU list as DPDK and the kernel write it (1,3,5-7), given as text: ascending numbers, each once. */
export const cpuNumbers = v.pipe(
  v.string(CPU_LIST_MESSAGE),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const cpus = parseCpuList(dataset.value);
    if (cpus.ok && cpus.value.length > 0) return cpus.value;
    addIssue({ message: CPU_LIST_MESSAGE });
    return NEVER;
  }),
);

/** A CPU list, or the word all. */
export const cpuList = v.union([v.literal("all"), cpuNumbers], `${CPU_LIST_MESSAGE}, or all`);
