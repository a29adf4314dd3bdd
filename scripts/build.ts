// Builds dist/powermon and dist/vmpower-guest: self-contained executables that load nothing from where they run.
//
//   bun scripts/build.ts                                     this machine's kind, with the bun that runs this
//   bun scripts/build.ts --bun PATH --suffix=-linux-arm64    another kind: PATH is that kind's bun executable

import { mkdirSync, statSync } from "node:fs";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { bun: { type: "string" }, suffix: { type: "string", default: "" } },
});
const root = new URL("..", import.meta.url).pathname;
mkdirSync(`${root}dist`, { recursive: true });

for (const name of ["powermon", "vmpower-guest"]) {
  const outfile = `${root}dist/${name}${values.suffix}`;
  const build = Bun.spawnSync(
    [
      process.execPath,
      "build",
      `${root}cmd/${name}.ts`,
      "--compile",
      "--format=esm",
      "--minify",
      "--bytecode",
      "--sourcemap=linked",
      // A root daemon must not run a bunfig.toml or read an .env that happens to lie in its working directory.
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      ...(values.bun === undefined ? [] : [`--compile-executable-path=${values.bun}`]),
      `--outfile=${outfile}`,
    ],
    { cwd: root, stderr: "pipe" },
  );
  if (!build.success) {
    console.error(build.stderr.toString());
    process.exitCode = 1;
    break;
  }
  console.log(`dist/${name}${values.suffix}  ${(statSync(outfile).size / 1e6).toFixed(0)} MB`);
}
