// Runs the guest's executable from its source, as a person would.

import { join } from "node:path";

export const MAIN = join(import.meta.dir, "../../../cmd/vmpower-guest.ts");

/** Runs vmpower-guest with `words` and returns what it left: status, standard output and error without the last newline. */
export async function run(
  ...words: readonly string[]
): Promise<{ status: number; out: string; err: string }> {
  const child = Bun.spawn([process.execPath, MAIN, ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, out: out.trimEnd(), err: err.trimEnd() };
}
