// What stands at a path that is no port: without it the refusal could not say what was given instead.

import type { Stats } from "node:fs";

/** Returns the words for the kind of file `stats` tells of, with its article. */
export function fileKind(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isSocket()) return "a socket";
  if (stats.isFIFO()) return "a FIFO";
  return stats.isFile() ? "a regular file" : "a device";
}
