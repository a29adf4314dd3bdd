// The compiled powermon on a fixture machine, as an operator would start it.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeTree, type Tree } from "./tree.ts";
import { until } from "./until.ts";

export const DIST = join(import.meta.dir, "../../dist");

export interface Machine {
  readonly tree: Tree;
  /** The channel folder. */
  readonly dir: string;
  readonly stateDir: string;
  /** --sysfs-root, --proc-root and --state-dir. */
  readonly roots: readonly string[];
  /** Returns the first line of a policy's attribute. */
  policy(cpu: number, file: string): string;
  remove(): void;
}

/** Makes a fixture machine with an empty channel folder. */
export function makeMachine(name: string): Machine {
  const tree = makeTree(name);
  const dir = `${tree.root}/channels`;
  const stateDir = `${tree.root}/state`;
  mkdirSync(dir);
  return {
    tree,
    dir,
    stateDir,
    roots: ["--sysfs-root", tree.sys, "--proc-root", tree.proc, "--state-dir", stateDir],
    policy: (cpu, file) =>
      readFileSync(`${tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`, "utf8").split("\n")[0] ??
      "",
    remove: () => tree.remove(),
  };
}

export interface Daemon {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Everything it logged so far. */
  readonly log: () => string;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `dist/powermon run` with the machine's folders and resolves once it serves. */
export async function startDaemon(
  machine: Machine,
  args: readonly string[],
  cwd = "/",
  env: Record<string, string> = {},
): Promise<Daemon> {
  const process = Bun.spawn([`${DIST}/powermon`, "run", "--dir", machine.dir, ...machine.roots, ...args], {
    cwd,
    env: { PATH: "/usr/bin:/bin", ...env },
    stdout: "ignore",
    stderr: "pipe",
  });
  let log = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of process.stderr) log += decoder.decode(bytes, { stream: true });
  })();
  let ended = false;
  const exited = process.exited.then(async (status) => {
    await reading;
    ended = true;
    return status;
  });
  await until("powermon serves", () => {
    if (ended) throw new Error(`powermon ended: ${log}`);
    return log.includes("Serving");
  });
  return { pid: process.pid, exited, log: () => log, kill: (signal) => process.kill(signal) };
}

/** Runs a built executable to its end. */
export async function runBinary(name: "powermon" | "vmpower-guest", args: readonly string[], cwd = "/") {
  const process = Bun.spawn([`${DIST}/${name}`, ...args], {
    cwd,
    env: { PATH: "/usr/bin:/bin" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  const [out, err, status] = await Promise.all([
    new Response(process.stdout).text(),
    new Response(process.stderr).text(),
    process.exited,
  ]);
  return { out, err, status };
}
