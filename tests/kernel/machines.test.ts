// The model beside what was captured: a machine that comes up says what the real one said.

import { expect, test } from "bun:test";
import { TREES, treeLines } from "../helpers/tree.ts";
import { CPU, Files } from "./files.ts";
import { MACHINES, model } from "./machines.ts";

/** Speeds move by themselves. */
const MOVING = /scaling_(cur_freq|setspeed)$/;

/** Returns each file below the CPUs with its first line. */
function linesOf(files: Files, folder = CPU): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of files.names(folder) ?? []) {
    const path = `${folder}/${name}`;
    const entry = files.entry(path);
    if (!entry) Object.assign(found, linesOf(files, path));
    else if ("link" in entry) found[path] = entry.link;
    else if (!MOVING.test(path)) found[path] = (files.line(path) ?? "").trimEnd();
  }
  return found;
}

for (const tree of TREES)
  test(`model() shows ${tree} as it was captured`, () => {
    expect(linesOf(model(tree, treeLines(tree)).files)).toMatchObject(linesOf(new Files(treeLines(tree))));
  });

for (const [name, kind] of Object.entries(MACHINES))
  test(`model() makes ${name} of a tree that is there`, () => {
    expect(TREES).toContain(kind.tree);
    expect(model(name, treeLines(kind.tree)).asked(0)).toBeDefined();
  });

test("model() of Linux 6.16 raises a minimum that nobody asked for, and its global boost file reaches every policy", () => {
  const { files } = model("amd-pstate-active-6.16", treeLines("amd-pstate-epp-powersave-6.12"));
  const at = (file: string) => `${CPU}/cpufreq/${file}`;
  expect(files.line(at("policy0/scaling_min_freq"))).toBe("1558000");
  files.write(at("policy0/scaling_min_freq"), "800000");
  expect(files.line(at("policy0/scaling_min_freq"))).toBe("800000");
  files.write(at("policy0/scaling_min_freq"), "0");
  expect(files.line(at("policy0/scaling_min_freq"))).toBe("1558000");
  files.write(at("policy1/boost"), "0");
  files.write(at("boost"), "1");
  expect(files.line(at("policy1/boost"))).toBe("1");
});
