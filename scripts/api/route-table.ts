// All requests as a table of Markdown, made from the API's table.

import type { Row } from "../../internal/api/row.ts";
import { API } from "../../internal/api/table.ts";

/** Returns the lines of the table: what is asked, the keys of its body, its own noes. */
export function routeTable(): readonly string[] {
  const rows = Object.values<Row>(API).map(({ method, path, about, body, no = [] }) => {
    const keys = body === undefined ? [] : keysOf(body).map((key) => `\`${key}\``);
    return `| \`${method} /v1/${path}\` | ${about} | ${keys.join(" ")} | ${no.map((code) => `\`${code}\``).join(" ")} |`;
  });
  return [
    "| request | what it does | keys of its body | its own noes |",
    "| --- | --- | --- | --- |",
    ...rows,
  ];
}

/** Returns the keys of an object's schema, whatever is wrapped around it. */
function keysOf(schema: object): readonly string[] {
  const { pipe, wrapped, entries } = schema as {
    readonly pipe?: readonly object[];
    readonly wrapped?: object;
    readonly entries?: object;
  };
  const inner = pipe?.[0] === schema ? undefined : (pipe?.[0] ?? wrapped);
  if (entries !== undefined) return Object.keys(entries);
  if (inner === undefined) throw new Error("a body is no object");
  return keysOf(inner);
}
