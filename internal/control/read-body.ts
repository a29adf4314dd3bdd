// A request's body, bounded in size and time.

import type { IncomingMessage } from "node:http";
import { isDeeper, parseJson } from "../values/json.ts";
import { err, ok, type Result } from "../values/result.ts";

export const MAX_BODY = 64 * 1024;
/** Objects and arrays within each other. The API needs five. */
export const MAX_DEPTH = 32;
/** How long a body may take, in ms. */
export const BODY_MS = 5000;

/** Why a body was not read to its end. */
export type BodyError = "too-large" | "too-slow" | "gone" | "too-deep" | "no-json";

/**
 * Reads the body as JSON; undefined when there is none.
 * @param bodyMs how long it may take
 */
export function readBody(request: IncomingMessage, bodyMs = BODY_MS): Promise<Result<unknown, BodyError>> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY) return Promise.resolve(err("too-large"));
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (result: Result<unknown, BodyError>) => {
      clearTimeout(deadline);
      request.removeAllListeners("data");
      resolve(result);
    };
    const deadline = setTimeout(() => end(err("too-slow")), bodyMs);
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY) end(err("too-large"));
      else chunks.push(chunk);
    });
    request.once("end", () => end(parse(Buffer.concat(chunks).toString())));
    request.once("error", () => end(err("gone")));
    request.once("close", () => end(err("gone")));
  });
}

function parse(text: string): Result<unknown, BodyError> {
  if (text.trim() === "") return ok(undefined);
  if (isDeeper(text, MAX_DEPTH)) return err("too-deep");
  const body = parseJson(text);
  return body === undefined ? err("no-json") : ok(body);
}
