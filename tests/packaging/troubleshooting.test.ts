// The troubleshooting guide against the sentences of the program: each one that can be said has its paragraph.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const guide = read("docs/troubleshooting.md");

/** Returns the part of the guide under the heading of `kind`, on one line. */
function sectionOf(kind: string): string {
  const [, after = ""] = guide.split(`\n### \`${kind}\`\n`);
  return (after.split(/\n##/)[0] ?? "").replace(/\s+/g, " ");
}

/** Returns the fixed parts of the sentences that the arms of `case "kind":` in `source` return, without what is a word or less. */
function fixedParts(source: string): ReadonlyMap<string, readonly string[]> {
  const arms = [...source.matchAll(/case "([\w-]+)":\n([\s\S]*?)(?=\n {4}case "|\n {2}\}\n)/g)];
  return new Map(
    arms.map(([, kind = "", arm = ""]) => {
      const templates = [...arm.matchAll(/`((?:\\`|[^`])*)`/g)].map(([, text = ""]) =>
        text.replaceAll("\\`", "`"),
      );
      const parts = templates.flatMap((text) => text.split(/\$\{(?:[^{}]|\{[^}]*\})*\}/));
      return [kind, parts.map((part) => part.trim()).filter((part) => part.split(" ").length > 1)];
    }),
  );
}

const kindsOf = (source: string) =>
  new Set([...source.matchAll(/readonly kind: "([\w-]+)"/g)].map(([, kind = ""]) => kind));

describe.each(["internal/values/refusal.ts", "internal/guest/failure.ts"])("%s", (file) => {
  const source = read(file);
  const parts = fixedParts(source);

  test(`every kind of ${file} has its heading`, () => {
    const kinds = [...kindsOf(source)];
    expect(kinds.length).toBeGreaterThan(8);
    expect(kinds.filter((kind) => sectionOf(kind) === "")).toEqual([]);
    expect([...parts.keys()].sort()).toEqual(kinds.sort());
  });

  test.each([...parts])("the guide quotes what %s says", (kind, fixed) => {
    expect(fixed.length).toBeGreaterThan(0);
    // A template may nest another: what only an example can show is left to the reader.
    for (const part of fixed.filter((text) => !/[`$}]/.test(text))) expect(sectionOf(kind)).toContain(part);
  });
});

test("no heading of the guide is of a kind that nobody says", () => {
  const known = new Set([
    ...kindsOf(read("internal/values/refusal.ts")),
    ...kindsOf(read("internal/guest/failure.ts")),
  ]);
  const headings = [...guide.matchAll(/^### `([\w-]+)`$/gm)].map(([, kind = ""]) => kind);
  expect(headings.filter((kind) => !known.has(kind))).toEqual([]);
});

test("the guide explains each verb of a failed step on a file", () => {
  const ops = /readonly op: ([^;]+);/.exec(read("internal/values/sysfs-error.ts"))?.[1]?.match(/\w+/g) ?? [];
  expect(ops.length).toBeGreaterThan(3);
  const [, section = ""] = guide.split("\n## The kernel says no\n");
  for (const op of ops) expect(section).toContain(`\`${op}\``);
});

test("the guide quotes what a command says when powermon can't be asked", () => {
  const sentences = [...read("internal/control/client.ts").matchAll(/message: `((?:\\`|[^`])+)`/g)]
    .map(([, text = ""]) => text.replaceAll("\\`", "`"))
    .filter((text) => text.includes("this.#socket") && !text.includes("stream of events"));
  expect(sentences.length).toBeGreaterThan(3);
  for (const sentence of sentences) {
    const parts = sentence.split(/\$\{[^}]*\}/).map((text) => text.trim());
    // A template may nest another: what only an example can show is left to the reader.
    for (const part of parts.filter((text) => !/[${}]/.test(text)))
      expect(guide.includes(part), part).toBe(true);
  }
});

test("links within the guides lead somewhere", () => {
  for (const file of ["troubleshooting.md", "operators.md", "migrating-from-dpdk.md"]) {
    const text = read(`docs/${file}`);
    for (const [, path = "", anchor] of text.matchAll(/\]\(([\w./-]*)(#[\w-]+)?\)/g)) {
      expect(existsSync(join(ROOT, "docs", path)), `${file}: ${path}`).toBe(true);
      if (anchor === undefined) continue;
      const target = path === "" ? text : read(join("docs", path));
      const anchors = [...target.matchAll(/^#+ (.+)$/gm)].map(
        ([, heading = ""]) =>
          `#${heading
            .toLowerCase()
            .replace(/[^\w\s-]/g, "")
            .trim()
            .replace(/\s/g, "-")}`,
      );
      expect(anchors, `${file}: ${path}${anchor}`).toContain(anchor);
    }
  }
});
