// Runs the host's executable from its source, as a person would.

import { join } from "node:path";

export const MAIN = join(import.meta.dir, "../../../cmd/powermon.ts");

/** Runs powermon with `words` and returns what it left: status, standard output and error without the last newline. */
export function run(...words: readonly string[]) {
  return runWith("", ...words);
}

/** As run(), with `input` as its standard input. */
export async function runWith(
  input: string,
  ...words: readonly string[]
): Promise<{ status: number; out: string; err: string }> {
  const child = Bun.spawn([process.execPath, MAIN, ...words], {
    stdin: new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, out: out.trimEnd(), err: err.trimEnd() };
}
