// A machine of files that move each other as the kernel's do.

import { onTestFinished } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTree, type Tree } from "../helpers/tree.ts";
import type { MachineName } from "./contract.ts";
import type { Fault } from "./files.ts";
import { CPU } from "./files.ts";
import { unmount } from "./libc.ts";
import { type Asked, MACHINES, type SourceMachineName } from "./machines.ts";

/** A mounted machine. Paths start at /sys/devices/system/cpu, those of interrupts with proc/irq. */
export interface KernelMachine extends Tree {
  /** Roots as internal/ takes them; the state folder is not there yet. */
  readonly roots: { readonly sysfsRoot: string; readonly procRoot: string; readonly stateDir: string };
  /** --sysfs-root and --proc-root, and --state-dir for the commands that know it. */
  readonly flags: readonly string[];
  readonly stateFlags: readonly string[];
  /** Returns the first line; fails as the kernel does. */
  read(path: string): string;
  /** Writes `text` and a newline at once; fails as the kernel does. */
  write(path: string, text: string | number): void;
  /** From now on the file fails so; nothing given ends it. */
  fault(path: string, fault?: Fault): void;
  /** Returns how many calls hang now: who made them can't be ended. */
  hangs(): number;
  /** Sets a CPU's energy hint behind the kernel's back, raw, as firmware does. */
  setRawEpp(cpu: number, raw: number): void;
  /** From now on `reads` readings after a write of a limit show the old one, as a busy kernel's may. */
  late(reads: number): void;
  /** What the hardware was asked for last; undefined for an offline CPU. */
  hw(cpu: number): Asked | undefined;
  /** Unmounts and deletes all of it, once. */
  remove(): Promise<void>;
}

/**
 * Mounts machine `name`: one of the contract, or any tree by the driver that it names. It is removed after the test; when the test's
 * process dies its server unmounts and ends by itself. Needs root and /dev/fuse: see testNeeding().
 */
export async function mountMachine(
  name: MachineName | SourceMachineName | (string & {}),
): Promise<KernelMachine> {
  const machine = await startMachine(name);
  onTestFinished(() => machine.remove());
  return machine;
}

/** As mountMachine(), for a caller that removes it. */
export async function startMachine(
  name: MachineName | SourceMachineName | (string & {}),
): Promise<KernelMachine> {
  const tree = makeTree(
    (MACHINES as Readonly<Record<string, { readonly tree: string }>>)[name]?.tree ?? name,
  );
  const folder = join(tree.root, "machine");
  mkdirSync(folder);
  const server = Bun.spawn([process.execPath, join(import.meta.dir, "serve.ts"), name, folder], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const remove = async () => {
    await server.stdin.end();
    await server.exited;
    unmount(folder);
    tree.remove();
  };
  const { value } = await server.stdout.getReader().read();
  if (!value) {
    await remove();
    throw new Error(`the server of machine ${name} did not start`);
  }
  const sys = join(folder, "sys");
  const inSys = (path: string) => (path.startsWith("proc/irq/") ? path : `${CPU}/${path}`);
  const at = (path: string) => (path.startsWith("proc/irq/") ? join(folder, path) : join(sys, CPU, path));
  const order = (what: unknown) => writeFileSync(join(folder, "control/order"), JSON.stringify(what));
  const stateDir = join(tree.root, "state");
  let removed: Promise<void> | undefined;
  return {
    root: tree.root,
    sys,
    proc: tree.proc,
    roots: { sysfsRoot: sys, procRoot: tree.proc, stateDir },
    flags: ["--sysfs-root", sys, "--proc-root", tree.proc],
    stateFlags: ["--state-dir", stateDir],
    read: (path) => readFileSync(at(path), "utf8").split("\n", 1)[0] ?? "",
    write: (path, text) => writeFileSync(at(path), `${text}\n`, { flag: "r+" }),
    fault: (path, fault = {}) => order({ path: inSys(path), fault }),
    hangs: () => Number(readFileSync(join(folder, "control/hangs"), "utf8")),
    setRawEpp: (cpu, raw) => order({ cpu, epp: raw }),
    late: (reads) => order({ late: reads }),
    hw: (cpu) => JSON.parse(readFileSync(join(folder, `control/cpu${cpu}`), "utf8")) ?? undefined,
    remove: () => (removed ??= remove()),
  };
}
