// Commands that look again and again: their flags, and their lines of JSON.

import * as v from "valibot";
import { integer, parseArgs } from "../../internal/cli/args.ts";
import type { Io } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import type { Result } from "../../internal/values/result.ts";

/** How often, and how many lines of JSON. */
export const AGAIN_ARGS = {
  interval: {
    type: "string",
    alias: "i",
    default: "2",
    valueHint: "SECONDS",
    description: "time between two looks, 1 to 3600",
  },
  count: { type: "string", valueHint: "n", description: "with --json: how many lines (default: no end)" },
} as const;

/** What is said of --json. */
export const JSON_AGAIN = {
  type: "boolean",
  description: "print one line of JSON for each interval",
} as const;

const Words = v.object({ interval: integer(1, 3600), count: v.optional(integer(1, 1_000_000_000)) });

/** Returns what AGAIN_ARGS were given as: the interval in ms, and how many lines. */
export function againOf(args: object): { readonly intervalMs: number; readonly count: number } {
  const { interval, count = Infinity } = parseArgs(Words, args);
  return { intervalMs: interval * 1000, count };
}

/**
 * Prints a line of JSON for each look until there are enough or nobody reads them, from one that is there already.
 * @param show the document of a look, and of the one before
 * @param refuse tells of a look that failed, which ends it
 */
export async function streamAgain<T, E>(
  { intervalMs, count }: ReturnType<typeof againOf>,
  io: Io,
  first: T,
  look: () => Promise<Result<T, E>>,
  show: (now: T, before: T | undefined) => object,
  refuse: (error: E) => Status,
): Promise<Status> {
  let before: T | undefined;
  let now = first;
  for (let left = count; ; left--) {
    io.out(JSON.stringify(show(now, before)));
    if (left <= 1 || io.isCut?.()) return STATUS.done;
    await Bun.sleep(intervalMs);
    const next = await look();
    if (!next.ok) return refuse(next.error);
    before = now;
    now = next.value;
  }
}
