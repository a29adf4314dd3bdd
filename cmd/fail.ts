// How a command says why it did not do what it was asked: sentences for people, or one JSON document of the form that all errors have.

import type { Io } from "../internal/cli/command.ts";
import { STATUS, type Status } from "../internal/cli/status.ts";
import { json } from "../internal/output/json.ts";

const CODES: Readonly<Record<Status, string>> = {
  // Nothing that failed ends so.
  [STATUS.done]: "failed",
  [STATUS.failed]: "failed",
  [STATUS.usage]: "invalid",
  [STATUS.refused]: "refused",
  [STATUS.noAnswer]: "no-answer",
  [STATUS.unsupported]: "unsupported",
};

/**
 * Writes `reasons` to io.err, each on a line after `before`, or with --json one document to io.out. Returns `status`.
 * @param more keys of the document beside `error`
 */
export function failWith(
  { args, io, before = "powermon: " }: { readonly args: object; readonly io: Io; readonly before?: string },
  status: Status,
  reasons: readonly string[],
  more: object = {},
): Status {
  if ("json" in args && args.json === true)
    io.out(json({ error: { code: CODES[status], message: reasons.join("; ") }, ...more }));
  else for (const reason of reasons) io.err(`${before}${reason}`);
  return status;
}
