// From a request's path and body to what a handler is given: nothing that a row's schemas don't know comes past here.

import * as v from "valibot";
import type { Row } from "../api/row.ts";
import { type Answer, no } from "../values/answer.ts";
import { ok } from "../values/result.ts";

const NO_BODY = v.undefined("must be empty");

/**
 * Returns the values of a row's places and body in one object. Errors: a sentence; the body is looked at first.
 * @param parts the path's parts that stand for something, by their places' names
 * @param body undefined when there was none
 */
export function readAsk(row: Row, parts: Readonly<Record<string, string>>, body: unknown): Answer<object> {
  // To valibot an empty list is an object without keys.
  if (Array.isArray(body) && row.body !== undefined) return no("invalid", "The body must be a JSON object.");
  const read = v.safeParse(row.body ?? NO_BODY, body);
  if (!read.success) return no("invalid", `${explainIssue(read.issues[0])}.`);
  const asked: Record<string, unknown> = { ...read.output };
  for (const [name, schema] of Object.entries(row.places)) {
    const place = v.safeParse(schema, parts[name]);
    if (!place.success) return no("invalid", place.issues[0].message);
    asked[name] = place.output;
  }
  return ok(asked);
}

/** Returns an issue of a body as half a sentence, such as `"floor" must be ...`. */
function explainIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return `${path === null ? "The body" : JSON.stringify(path)} ${whatIsWrong(issue)}`;
}

function whatIsWrong({ type, expected, message }: v.BaseIssue<unknown>): string {
  if (type !== "strict_object") return message;
  if (expected === "never") return "is not known here";
  return expected === "Object" ? "must be a JSON object" : "is missing";
}
