// Builds dist/powermon and dist/vmpower-guest: self-contained executables that load nothing from where they run.
//
//   bun scripts/build.ts                                     this machine's kind, with the bun that runs this
//   bun scripts/build.ts --bun PATH --suffix=-linux-arm64    another kind: PATH is that kind's bun executable
//
// Both must be the Bun that package.json pins.

import { mkdirSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { compile, wrongBun } from "./compile.ts";

const { values } = parseArgs({
  options: { bun: { type: "string" }, suffix: { type: "string", default: "" } },
});
const root = new URL("..", import.meta.url).pathname;
mkdirSync(`${root}dist`, { recursive: true });

let wrong = wrongBun(values.bun);
for (const name of ["powermon", "vmpower-guest"]) {
  const outfile = `${root}dist/${name}${values.suffix}`;
  wrong ??= compile(`${root}cmd/${name}.ts`, outfile, values.bun);
  if (wrong !== undefined) break;
  console.log(`dist/${name}${values.suffix}  ${(statSync(outfile).size / 1e6).toFixed(0)} MB`);
}
if (wrong !== undefined) {
  console.error(wrong);
  process.exitCode = 1;
}
