// A no as HTTP has it: one document for every kind of failure, and the status that goes with each.

import * as v from "valibot";
import type { Code } from "../values/answer.ts";

export const HTTP_STATUS: Readonly<Record<Code, number>> = {
  "not-found": 404,
  invalid: 400,
  refused: 403,
  failed: 500,
  unsupported: 501,
  busy: 503,
};

/** Any error. A newer powermon may have other codes. */
export const problemReport = v.object({
  error: v.object({
    code: v.string(),
    message: v.string(),
    /** Of a suspend: blockers, notRestored, and the record of a sleep that was tried. */
    details: v.optional(v.record(v.string(), v.unknown())),
  }),
});
