// The words that describe commands and flags in help, manual and completions: one style, so that a list of them reads well.

import { expect, test } from "bun:test";
import { POWERMON } from "../../cmd/powermon/commands.ts";
import { VMPOWER_GUEST } from "../../cmd/vmpower-guest/commands.ts";
import { everyCommand, loadTree } from "../../scripts/program-tree.ts";

/** One line, no full stop, lower case but for names such as CPUs, VM or MAC. */
const STYLE = /^(?![A-Z][a-z])[^\n]*[^\n.]$/;

const told = (await Promise.all([POWERMON, VMPOWER_GUEST].map(loadTree))).flatMap(everyCommand);

test("STYLE finds what is not so", () => {
  for (const text of ["Show it", "show it.", "show\nit", ""]) expect(text).not.toMatch(STYLE);
  for (const text of ["show it", "CPUs such as 0-3", "VM that may ask"]) expect(text).toMatch(STYLE);
});

test.each(told.map((node) => [node.meta.summary, node] as const))("%s", (summary, { words, args }) => {
  expect(summary).toMatch(STYLE);
  for (const [key, { description }] of Object.entries(args ?? {}))
    expect(description, `${words.join(" ")}, ${key}`).toMatch(STYLE);
});
