// One shape for every no: without it a script would have to know how each part of the server fails.

import type { Problem } from "./operations.ts";

/** The HTTP status of each code. */
export const HTTP_STATUS: Readonly<Record<Problem["code"], number>> = {
  "not-found": 404,
  invalid: 400,
  refused: 403,
  failed: 500,
  unsupported: 501,
  busy: 503,
};

/** Codes that a Problem can have. */
export const CODES = Object.keys(HTTP_STATUS) as readonly Problem["code"][];

/** Returns a failure with `code` and the sentence `message`. */
export function problem(
  code: Problem["code"],
  message: string,
): { readonly ok: false; readonly error: Problem } {
  return { ok: false, error: { code, message } };
}
