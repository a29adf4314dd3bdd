// The process behind a machine of files that move each other: serve.ts NAME FOLDER. When its standard input ends, it unmounts, deletes
// the folder with all beside it, and ends: so nothing is left of a test that was killed.

import { rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { treeLines } from "../helpers/tree.ts";
import { FuseServer, type Served } from "./fuse.ts";
import { mountFuse, readable, unmount } from "./libc.ts";
import { MACHINES, type Model, model } from "./machines.ts";

const [name = "", folder = ""] = process.argv.slice(2);
const STDIN = 0;

/** Below sys is the machine, below control what a test asks and orders: see machine.ts. */
function served({ files, asked, setRawEpp, setLate }: Model, server: () => FuseServer): Served {
  const inSys = (path: string) => {
    if (path === "proc" || path.startsWith("proc/")) return path;
    return path.startsWith("sys/") ? path.slice("sys/".length) : undefined;
  };
  const order = (text: string) => {
    const { path, fault, cpu, epp, late } = JSON.parse(text);
    if (path !== undefined) {
      files.setFault(path, fault);
      server().release();
    } else if (late !== undefined) setLate(late);
    else setRawEpp(cpu, epp);
  };
  return {
    look: (path) => {
      if (path === "control/order") return { mode: 0o200 };
      if (/^control\/(?:cpu\d+|hangs)$/.test(path)) return { mode: 0o444 };
      const entry = files.entry(inSys(path) ?? "");
      if (!entry || "link" in entry) return entry;
      return { mode: entry.mode ?? (entry.show ? 0o444 : 0) | (entry.store ? 0o200 : 0) };
    },
    names: (path) => {
      if (path === "") return ["sys", "control", ...(files.names("proc") ? ["proc"] : [])];
      if (path === "control") return ["order"];
      return files.names(path === "sys" ? "" : (inSys(path) ?? "none"));
    },
    read: (path) => {
      if (path === "control/hangs") return `${server().hangs}`;
      const cpu = /^control\/cpu(\d+)$/.exec(path)?.[1];
      return cpu === undefined ? files.read(inSys(path) ?? "") : JSON.stringify(asked(Number(cpu)) ?? null);
    },
    write: (path, text) => (path === "control/order" ? order(text) : files.write(inSys(path) ?? "", text)),
  };
}

// A handler that never runs, for this process never rests, keeps these from ending it with the folder still mounted.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
const tree = (MACHINES as Readonly<Record<string, { readonly tree: string }>>)[name]?.tree ?? name;
const machine = model(name, treeLines(tree));
const fd = mountFuse(folder);
if (fd === undefined) {
  process.exitCode = 1;
} else {
  try {
    writeSync(1, "mounted\n");
    const server: FuseServer = new FuseServer(
      fd,
      served(machine, () => server),
    );
    for (;;) {
      const ready = readable([STDIN, fd]);
      if (ready.includes(STDIN)) break;
      if (ready.includes(fd) && !server.serve()) break;
    }
  } finally {
    unmount(folder);
    rmSync(dirname(folder), { recursive: true, force: true });
  }
}
