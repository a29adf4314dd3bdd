// Lays a package's files out in a folder, as they will lie under /.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Contents, Entry } from "./contents.ts";
import type { Packaged } from "./programs.ts";

const root = new URL("../..", import.meta.url).pathname;

/** A package about to be written, whatever its format. */
export interface Draft {
  readonly packaged: Packaged;
  readonly contents: Contents;
  readonly version: string;
  /** Time of everything in it, seconds since 1970. */
  readonly epoch: number;
}

/** Writes `entries` into the folder `to`. */
export function writeTree(entries: readonly Entry[], to: string): void {
  for (const { to: path, mode, content } of entries) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    if ("file" in content) copyFileSync(content.file, target);
    else writeFileSync(target, content.text);
    chmodSync(target, mode);
  }
}

export const HOOKS = ["after-install", "before-remove", "after-remove", "after-purge"] as const;
export type Hook = (typeof HOOKS)[number];

/** Returns what the hooks are told, as assignments of a shell. */
export function hookVariables({ packaged, contents }: Draft): string {
  const { units, sysusers, tmpfiles, rules } = contents;
  const { name, leftovers } = packaged;
  return Object.entries({ name: [name], units, sysusers, tmpfiles, rules, leftovers })
    .map(([variable, words]) => `${variable}='${words.join(" ")}'`)
    .join("\n");
}

/** Returns a hook's own lines, its comments left out. */
export function hookBody(hook: Hook): string {
  return readFileSync(`${root}packaging/hooks/${hook}.sh`, "utf8")
    .replace(/^ *#.*\n/gm, "")
    .trim();
}

/** Runs a packaging tool. Errors: thrown with what the tool said. */
export function runTool(command: readonly string[], cwd: string, epoch: number): void {
  const tool = Bun.spawnSync([...command], {
    cwd,
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch), LC_ALL: "C.UTF-8" },
    stderr: "pipe",
  });
  if (!tool.success) throw new Error(`${command.join(" ")}\n${tool.stdout}${tool.stderr}`);
}
