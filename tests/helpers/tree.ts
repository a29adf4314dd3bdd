// Machines made of files, for tests and the demo: neither touches the real /sys.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DOCUMENTED } from "../fixtures/sysfs/documented.ts";

/** A machine in a folder of its own. */
export interface Tree {
  readonly root: string;
  /** Stands for /sys. */
  readonly sys: string;
  /** Stands for /proc. */
  readonly proc: string;
  /** Deletes all of it. */
  remove(): void;
}

const FOLDER = join(import.meta.dir, "../fixtures/sysfs");

/** A disk takes a millisecond a file, and there are thousands of them. */
const MEMORY = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** The boot id of every tree. */
export const BOOT_ID = "5f3a1c52-9d1e-4f0b-8a57-0c6f1f7f2b11";

/** Names of all trees: captured ones are `NAME.tree` files, the rest stand in documented.ts. */
export const TREES: readonly string[] = [
  ...readdirSync(FOLDER)
    .filter((file) => file.endsWith(".tree"))
    .map((file) => file.slice(0, -".tree".length)),
  ...Object.keys(DOCUMENTED),
].sort();

/** Returns the lines of tree `name`, each a file or link. */
export function treeLines(name: string): readonly string[] {
  return (
    DOCUMENTED[name]?.() ??
    readFileSync(join(FOLDER, `${name}.tree`), "utf8")
      .trimEnd()
      .split("\n")
  );
}

/**
 * Makes tree `name` (see TREES) as regular files and links in a new folder under `parent`, in memory by default.
 * A .tree line is `MODE PATH JSON-TEXT` or `link PATH JSON-TARGET`, paths from the folder that holds sys and proc.
 */
export function makeTree(name: string, parent = MEMORY): Tree {
  const lines = treeLines(name);
  const root = mkdtempSync(join(parent, "powermon-tree-"));
  const folders = new Set<string>();
  for (const line of [...lines, `0444 proc/sys/kernel/random/boot_id ${JSON.stringify(`${BOOT_ID}\n`)}`]) {
    const [kind = "", path = "", ...rest] = line.split(" ");
    const text: string = JSON.parse(rest.join(" "));
    const at = join(root, path);
    const folder = dirname(at);
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
    folders.add(folder);
    if (kind === "link") symlinkSync(text, at);
    else writeFileSync(at, text, { mode: Number.parseInt(kind, 8) });
  }
  return {
    root,
    sys: join(root, "sys"),
    proc: join(root, "proc"),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
