// How a program becomes an executable that loads nothing from where it runs: those of dist/, and the one that tests the runtime.

import { readFileSync } from "node:fs";
import { devDependencies } from "../package.json";

const PINNED = devDependencies.bun;

/**
 * Returns why nothing may be built with this Bun: what the program leans on was tested with one version alone (tests/runtime).
 * @param executable the Bun of another kind of machine that the program is put into
 */
export function wrongBun(executable?: string, version = Bun.version): string | undefined {
  if (version !== PINNED)
    return `This is Bun ${version}, and package.json pins ${PINNED}: build with node_modules/.bin/bun, or pin the new one once tests/runtime passes with it.`;
  // An executable of another kind can't be asked; each holds its revision.
  if (executable !== undefined && !readFileSync(executable).includes(Bun.revision))
    return `${executable} is not Bun ${PINNED} (${Bun.revision}), which package.json pins.`;
  return undefined;
}

/** Compiles `entry` to `outfile`; `executable` is the Bun of another kind of machine. Returns what the compiler complained of. */
export function compile(entry: string, outfile: string, executable?: string): string | undefined {
  const build = Bun.spawnSync(
    [
      process.execPath,
      "build",
      entry,
      "--compile",
      "--format=esm",
      "--minify",
      "--bytecode",
      "--sourcemap=linked",
      // A root daemon must not run a bunfig.toml or read an .env that happens to lie in its working directory.
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      ...(executable === undefined ? [] : [`--compile-executable-path=${executable}`]),
      `--outfile=${outfile}`,
    ],
    { cwd: new URL("..", import.meta.url).pathname, stderr: "pipe" },
  );
  return build.success ? undefined : build.stderr.toString();
}
