// The built executables in a shell's pipes and redirections, where their edges show.

import { DIST } from "./daemon.ts";

/** Starts bash on `script`, which finds the built executables on its PATH. */
export function startShell(script: string) {
  return Bun.spawn(["bash", "-c", script], {
    cwd: "/",
    env: { PATH: `${DIST}:/usr/bin:/bin` },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
}

/** Runs `script` to its end. */
export async function runShell(script: string) {
  const child = startShell(script);
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, status };
}
