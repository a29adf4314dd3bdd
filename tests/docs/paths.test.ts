// The files that documents name: one that moved would send a reader to nowhere.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const DOCUMENTS = ["*.md", "{docs,bench,packaging,tests}/**/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .sort();
const NAMED = /\b(?:internal|cmd|tests|scripts|packaging|bench|docs)\/[\w./-]*\w/g;

/** Returns the paths that `text` names, as from the project's root, and those of its links, as from `dir`. */
function pathsIn(text: string, dir: string): string[] {
  const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, path = ""]) => path);
  return [
    ...[...text.replace(/\]\([^)]*\)/g, "]").matchAll(NAMED)].map(([path]) => path),
    ...links.filter((path) => !/^\w+:/.test(path)).map((path) => join(dir, path)),
  ];
}

test("pathsIn() finds names and links", () => {
  expect(pathsIn("`internal/a.ts`, [b](../c/d.md#e) and [f](https://g.h/i)", "docs")).toEqual([
    "internal/a.ts",
    "c/d.md",
  ]);
});

test.each(DOCUMENTS)("%s names files that exist", (file) => {
  const paths = pathsIn(readFileSync(join(ROOT, file), "utf8"), dirname(file));
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
