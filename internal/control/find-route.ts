// From a method and a path to a row of the API; nothing in a path is believed.

import { API, type Name } from "../api/table.ts";
import { DOCUMENTS } from "./documents.ts";

/** What a method and a path lead to. */
export type Found =
  /** `parts` are those that stand for something, as they were sent, by name. */
  | { readonly kind: "row"; readonly name: Name; readonly parts: Readonly<Record<string, string>> }
  | { readonly kind: "events" }
  | { readonly kind: "metrics" }
  /** What the API says about itself; `path` is its key in DOCUMENTS. */
  | { readonly kind: "document"; readonly path: string }
  | { readonly kind: "wrong-method"; readonly allowed: readonly string[] }
  | { readonly kind: "nowhere" };

const NAMES = Object.keys(API) as readonly Name[];
const TABLE = NAMES.map((name) => ({
  name,
  method: API[name].method as string,
  pattern: API[name].path.split("/"),
}));

/**
 * Returns what `target`, a request's path as sent, leads to. Each part is decoded after the path was cut at its slashes: an
 * encoded slash never makes a new part, and "." and ".." are parts like any other.
 */
export function findRoute(method: string, target: string): Found {
  // Outside of /v1, since Prometheus asks there unless it is told otherwise.
  if (target === "/metrics") return only("GET", method, { kind: "metrics" });
  if (Object.hasOwn(DOCUMENTS, target)) return only("GET", method, { kind: "document", path: target });
  const parts = decodeParts(target);
  if (parts === undefined || parts[0] !== "v1") return { kind: "nowhere" };
  const rest = parts.slice(1);
  if (rest.length === 1 && rest[0] === "events") return only("GET", method, { kind: "events" });
  const here = TABLE.filter(({ pattern }) => isMatch(pattern, rest));
  const found = here.find((row) => row.method === method);
  if (found !== undefined) {
    const named = found.pattern.flatMap((word, i) =>
      word.startsWith("{") ? [[word.slice(1, -1), rest[i] ?? ""] as const] : [],
    );
    return { kind: "row", name: found.name, parts: Object.fromEntries(named) };
  }
  if (here.length === 0) return { kind: "nowhere" };
  return { kind: "wrong-method", allowed: here.map((row) => row.method) };
}

const only = (allowed: string, method: string, found: Found): Found =>
  method === allowed ? found : { kind: "wrong-method", allowed: [allowed] };

function decodeParts(target: string): readonly string[] | undefined {
  if (!target.startsWith("/") || /[?#]/.test(target)) return undefined;
  try {
    return target.slice(1).split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function isMatch(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((wanted, i) => (wanted.startsWith("{") ? parts[i] !== "" : wanted === parts[i]))
  );
}
