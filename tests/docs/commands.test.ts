// The command lines in documents against the command tables: one that does not exist would send a reader in circles.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { POWERMON } from "../../cmd/powermon/commands.ts";
import { VMPOWER_GUEST } from "../../cmd/vmpower-guest/commands.ts";
import { flagsOf } from "../../scripts/completions/words.ts";
import { type CommandNode, loadTree } from "../../scripts/program-tree.ts";

const ROOT = join(import.meta.dir, "../..");
const DOCUMENTS = ["README.md", "docs/**/*.md", "packaging/man/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .sort();
const programs = [await loadTree(POWERMON), await loadTree(VMPOWER_GUEST)];

/** Returns every command line of ours that `text` shows as code, without prompt and what a shell adds to it. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n"),
  );
  const spans = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)].map(
    ([, code = ""]) => code,
  );
  return [...blocks, ...spans]
    .map((line) => line.trim().replace(/^\w*[$#] |^sudo |^dist\//, ""))
    .map((line) => line.replace(/\s+(#|[|>&]).*$/, ""))
    .filter((line) => /^(powermon|vmpower-guest) [a-z-]/.test(line));
}

/** Returns what is wrong with a command line, or nothing. */
function wrongWith(line: string): string | undefined {
  const [name, ...words] = line.split(/\s+/);
  let node: CommandNode | undefined = programs.find(({ meta }) => meta.name === name);
  const known = () => new Set(flagsOf(node as CommandNode).flatMap(({ flag, alias }) => [flag, `-${alias}`]));
  while (
    node !== undefined &&
    node.commands.length > 0 &&
    words[0] !== undefined &&
    !words[0].startsWith("-")
  ) {
    const word = words.shift();
    const named = (name?: string) => node?.commands.find((child) => child.words.at(-1) === name);
    node =
      named(word) ?? (words.length === 0 || words[0]?.startsWith("-") ? named(node.otherwise) : undefined);
    if (node === undefined) return `${line}: there is no ${word}`;
  }
  const flag = words
    .map((word) => word.split("=")[0] ?? "")
    .find((word) => /^--?[a-z]/.test(word) && !known().has(word));
  return flag === undefined ? undefined : `${line}: there is no ${flag}`;
}

test("the documents are found, and the front page shows commands", () => {
  expect(DOCUMENTS.length).toBeGreaterThan(10);
  expect(commandLines(readFileSync(join(ROOT, "README.md"), "utf8")).length).toBeGreaterThan(20);
});

test.each(DOCUMENTS)("%s shows commands and flags that exist", (file) => {
  const lines = commandLines(readFileSync(join(ROOT, file), "utf8"));
  expect(lines.map(wrongWith).filter((wrong) => wrong !== undefined)).toEqual([]);
});

test("a command line that does not exist is found", () => {
  expect(
    commandLines("see `powermon vm limit x`\n\n```sh\nguest$ powermon freq show --cpu 3   # no\n```\n").map(
      wrongWith,
    ),
  ).toEqual(["powermon freq show --cpu 3: there is no --cpu", "powermon vm limit x: there is no limit"]);
});
