// Writes what follows from the table of the API: its OpenAPI document, which the server serves, and the tables of docs/control.md.
//
//   bun scripts/openapi.ts

import { readFileSync, writeFileSync } from "node:fs";
import { eventTable } from "./api/event-table.ts";
import { LIMITS } from "./api/limits.ts";
import { openApi } from "./api/openapi.ts";
import { routeTable } from "./api/route-table.ts";
import { withTable } from "./api/slot.ts";

const root = new URL("..", import.meta.url).pathname;

/** Returns the files that follow from the API, by their paths in the project. */
export function apiFiles(): ReadonlyMap<string, string> {
  const control = "docs/control.md";
  const limits = [
    "| of | at most |",
    "| --- | --- |",
    ...LIMITS.map(({ what, most }) => `| ${what} | ${most} |`),
  ];
  let text = readFileSync(`${root}${control}`, "utf8");
  text = withTable(text, "limits", limits);
  text = withTable(text, "routes", routeTable());
  text = withTable(text, "events", eventTable());
  return new Map([
    [control, text],
    ["internal/api/openapi.json", JSON.stringify(openApi())],
  ]);
}

if (import.meta.main)
  for (const [path, text] of apiFiles()) {
    writeFileSync(`${root}${path}`, text);
    console.log(path);
  }
