// Every CPU attribute of a machine of files, to see that nothing else moved.

import { readdirSync, readFileSync, statSync } from "node:fs";

/** Returns the first lines of all regular files below `root`, by path. */
export function snapshot(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true }) as string[]) {
    const path = `${root}/${name}`;
    // A cpuN/cpufreq link leads to a policy that is there by its own path.
    if (/^cpu\d+\/cpufreq/.test(name) || !statSync(path).isFile()) continue;
    found[name] = readFileSync(path, "utf8").split("\n", 1)[0] ?? "";
  }
  return found;
}

/** Returns what differs between two snapshots, as `path: before > after`. */
export function changed(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys(after)
    .filter((path) => before[path] !== after[path])
    .map((path) => `${path}: ${before[path]} > ${after[path]}`)
    .sort();
}
