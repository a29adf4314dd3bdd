// What follows from the API's table is what the table says now.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { apiFiles } from "../../scripts/openapi.ts";

/** The formatter aligns tables, and breaks lists of JSON. */
const plain = (text: string) => text.replace(/\s+|-+(?=[ -]*\|)/g, "");

test.each([...apiFiles()])("%s is as `bun scripts/openapi.ts` writes it", (path, text) => {
  expect(plain(readFileSync(join(import.meta.dir, "../..", path), "utf8"))).toBe(plain(text));
});
