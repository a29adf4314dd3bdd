// Makes dist/completions: words, flags and values of both programs for bash, zsh and fish, from the command tables.
//
//   bun scripts/completions.ts

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { POWERMON } from "../cmd/powermon/commands.ts";
import { VMPOWER_GUEST } from "../cmd/vmpower-guest/commands.ts";
import { bashCompletion } from "./completions/bash.ts";
import { fishCompletion } from "./completions/fish.ts";
import { zshCompletion } from "./completions/zsh.ts";
import { loadTree } from "./program-tree.ts";

/** Where each shell looks for the completion of a program, under /usr/share. */
export const SHELL_FOLDERS = {
  bash: (name: string) => `bash-completion/completions/${name}`,
  zsh: (name: string) => `zsh/site-functions/_${name}`,
  fish: (name: string) => `fish/vendor_completions.d/${name}.fish`,
} as const;

/** Returns the scripts by their path under /usr/share. */
export async function completions(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const program of [POWERMON, VMPOWER_GUEST]) {
    const tree = await loadTree(program);
    files.set(SHELL_FOLDERS.bash(program.name), bashCompletion(tree));
    files.set(SHELL_FOLDERS.zsh(program.name), zshCompletion(tree));
    files.set(SHELL_FOLDERS.fish(program.name), fishCompletion(tree));
  }
  return files;
}

if (import.meta.main) {
  const root = new URL("..", import.meta.url).pathname;
  for (const [file, text] of await completions()) {
    const path = `dist/completions/${file}`;
    mkdirSync(dirname(`${root}${path}`), { recursive: true });
    writeFileSync(`${root}${path}`, text);
    console.log(path);
  }
}
