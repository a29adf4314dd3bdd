// Writes what follows from the table of the API: the tables of docs/control.md.
//
//   bun scripts/openapi.ts

import { readFileSync, writeFileSync } from "node:fs";
import { withEvents } from "./api/event-table.ts";

const root = new URL("..", import.meta.url).pathname;

/** Returns the files that follow from the API, by their paths in the project. */
export function apiFiles(): ReadonlyMap<string, string> {
  const control = "docs/control.md";
  return new Map([[control, withEvents(readFileSync(`${root}${control}`, "utf8"))]]);
}

if (import.meta.main)
  for (const [path, text] of apiFiles()) {
    writeFileSync(`${root}${path}`, text);
    console.log(path);
  }
