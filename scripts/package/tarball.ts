// A tarball with install.sh, for every machine that has a shell and tar.

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Draft, HOOKS, hookVariables, runTool, writeTree } from "./tree.ts";

const root = new URL("../..", import.meta.url).pathname;

/** Writes the tarball into the folder `out` and returns its path. `work` is a folder to use. */
export function buildTarball(draft: Draft, target: string, work: string, out: string): string {
  const { packaged, contents, version, epoch } = draft;
  const folder = `${packaged.name}-${version}-${target}`;
  const top = join(work, "tar", folder);
  writeTree(contents.entries, join(top, "root"));
  copyFileSync(`${root}packaging/install.sh`, join(top, "install.sh"));
  chmodSync(join(top, "install.sh"), 0o755);
  mkdirSync(join(top, "hooks"));
  for (const hook of HOOKS)
    copyFileSync(`${root}packaging/hooks/${hook}.sh`, join(top, "hooks", `${hook}.sh`));
  const configs = contents.entries.filter(({ isConfig }) => isConfig).map(({ to }) => to);
  writeFileSync(join(top, "package.conf"), `${hookVariables(draft)}\nconfigs='${configs.join(" ")}'\n`);
  const file = join(out, `${folder}.tar.gz`);
  const bytes = [
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    `--mtime=@${epoch}`,
    "--mode=go=rX,u+rw",
  ];
  const where = ["-C", join(work, "tar"), folder];
  runTool(["tar", ...bytes, "--use-compress-program=gzip -n -1", "-cf", file, ...where], work, epoch);
  return file;
}
