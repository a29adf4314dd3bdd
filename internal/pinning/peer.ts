// Which process is the VM behind a channel.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { peerCredentials } from "../os/libc.ts";
import { readVcpuThreads } from "./proc.ts";

/**
 * Returns the pid of the QEMU process that serves the socket at `path`, to which `fd` is connected. Normally it is the
 * peer itself; where a manager opened the listening socket and passed it on, it is whoever else holds that socket.
 * Where the peer can't be told it is whoever holds that socket; undefined when there is nobody, the peer's own pid when nobody
 * better is found.
 */
export function findVmProcess(procRoot: string, fd: number, path: string): number | undefined {
  const peer = peerCredentials(fd);
  const pid = peer.ok ? peer.value.pid : undefined;
  if (pid !== undefined && readVcpuThreads(procRoot, pid).size > 0) return pid;
  const inodes = socketInodes(procRoot, path);
  const holder = inodes.size === 0 ? undefined : findHolder(procRoot, inodes);
  return holder ?? pid;
}

/** Returns the inodes of the unix sockets bound to `path`. Source: Documentation/filesystems/proc.rst, /proc/net/unix. */
function socketInodes(procRoot: string, path: string): ReadonlySet<string> {
  const inodes = new Set<string>();
  try {
    for (const line of readFileSync(`${procRoot}/net/unix`, "utf8").split("\n")) {
      if (!line.endsWith(` ${path}`)) continue;
      const inode = line.split(/\s+/)[6];
      if (inode !== undefined) inodes.add(`socket:[${inode}]`);
    }
  } catch {
    // Without /proc/net/unix there is nobody to find.
  }
  return inodes;
}

function findHolder(procRoot: string, inodes: ReadonlySet<string>): number | undefined {
  for (const entry of readdirSync(procRoot)) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || readVcpuThreads(procRoot, pid).size === 0) continue;
    if (holds(`${procRoot}/${pid}/fd`, inodes)) return pid;
  }
  return undefined;
}

function holds(dir: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(dir).some((fd) => inodes.has(readlinkSync(`${dir}/${fd}`)));
  } catch {
    return false;
  }
}
