// Other programs as children with a time limit: without it a stuck D-Bus or libvirtd would hold powermon for ever.

/** What a child ended with. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `argv`; undefined when there is no such program or it took longer than `limitMs`. */
export type Run = (argv: readonly string[], limitMs: number) => Promise<Ended | undefined>;

/** Runs a program of the PATH with no input; at the limit its whole process group is killed. */
export const runCommand: Run = async (argv, limitMs) => {
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn([...argv], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // Its own session: what it started is killed with it, and nobody is left holding the pipes.
      detached: true,
      env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
  } catch {
    return undefined;
  }
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(child.pid);
  }, limitMs);
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  return late ? undefined : { status, stdout, stderr };
};

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
