// What a row of the API says: how something is asked, and what comes back.

import * as v from "valibot";
import type { Code } from "../values/answer.ts";

/** The answer of what has nothing to tell. */
export const done = v.object({ done: v.literal(true) });

/** A request: its method, its path after /v1, what the path's and the body's parts may be, and the answer. */
export interface Row {
  /** A sentence about it. */
  readonly about: string;
  /** Its own noes, beside those of a wrong path or body, and of a bug. */
  readonly no?: readonly Code[];
  readonly method: "GET" | "PUT" | "PATCH" | "POST" | "DELETE";
  /** {name} stands for one part, which `places` has a schema for. */
  readonly path: string;
  readonly places: Readonly<Record<string, v.GenericSchema<string, unknown>>>;
  /** Strict, so that a typo in a script is an error and not a change that never happens. Absent: no body is taken. */
  readonly body?: v.GenericSchema<unknown, object>;
  /** A client of another version learns by it that it can't read the answer. Unknown keys pass. */
  readonly answer: v.GenericSchema;
  /** It takes as long as it takes. */
  readonly isEndless?: true;
}
