// The files of unix sockets: what can be their path, who may use them, and that a program which answers on one is never pushed aside.

import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { DONE, err, type Result } from "../values/result.ts";
import { errorCode } from "./error-code.ts";

/** Longest path that bind() and connect() take, in bytes without the NUL. Source: unix(7), sun_path. */
export const MAX_SOCKET_PATH = 107;
/** How long a stale socket's owner may take to answer, in ms; connecting takes microseconds. */
const PROBE_MS = 1000;

/** Returns why `path` can't be a socket, or undefined when it can: an empty one would make some servers listen on a TCP port instead. */
export function wrongSocketPath(path: string): string | undefined {
  if (!path.startsWith("/")) return `${JSON.stringify(path)} is no whole path`;
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH)
    return `${path} has ${bytes} bytes, and a socket's path ends at ${MAX_SOCKET_PATH}`;
  if (path.includes("\0") || path.endsWith("/")) return `${JSON.stringify(path)} can't name a socket`;
  return undefined;
}

/** Source: asm-generic/fcntl.h. */
const O_PATH = 0o10000000;

/**
 * Calls `use` with an address that leads to the very socket whose file is at `path` now: what is put in its place since, and what a
 * link there leads to, is never connected to. The address holds until `use` returns. Errors: ENOTSOCK for another kind of file, ENOENT,
 * EMFILE. Source: open(2), O_PATH; proc(5), /proc/PID/fd.
 */
export function atSocketFile(path: string, use: (address: string) => void): Result<void, string> {
  let fd: number;
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (cause) {
    return err(errorCode(cause));
  }
  try {
    if (!fstatSync(fd).isSocket()) return err("ENOTSOCK");
    use(`/proc/self/fd/${fd}`);
    return DONE;
  } finally {
    closeSync(fd);
  }
}

/**
 * Removes a socket that nobody listens on any more. Errors: a sentence when somebody does, or another kind of file is there; an
 * errno is thrown.
 * @param who what a program that answers must be, such as "another powermon"
 */
export async function clearStale(path: string, who: string): Promise<Result<void, string>> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return DONE;
  if (!there.isSocket()) return err(`${path} is there and is no socket; move it away.`);
  if (await isAnswered(path)) return err(`${who} answers on ${path}; stop it first.`);
  rmSync(path, { force: true });
  return DONE;
}

async function isAnswered(path: string): Promise<boolean> {
  const { connect } = await import("node:net");
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(PROBE_MS);
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(true));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "EAGAIN"));
  });
}

/**
 * Gives the socket at `path` mode 0660 and to `group`, when that is not empty. Returns a sentence when there is no such group: the
 * socket then stays with its maker's. Errors: thrown, an errno.
 */
export function shareSocket(path: string, group: string, groupFile = "/etc/group"): string | undefined {
  const gid = group === "" ? undefined : gidOf(group, groupFile);
  if (gid !== undefined) chownSync(path, -1, gid);
  chmodSync(path, 0o660);
  if (group === "" || gid !== undefined) return undefined;
  return `There is no group ${JSON.stringify(group)}: only ${path}'s owner may use it; make it with \`groupadd --system ${group}\`.`;
}

/** Returns the number of group `name` in `groupFile`, or undefined when either isn't there, as in a small container. Source: group(5). */
export function gidOf(name: string, groupFile = "/etc/group"): number | undefined {
  if (!existsSync(groupFile)) return undefined;
  for (const line of readFileSync(groupFile, "utf8").split("\n")) {
    const [group, , gid = ""] = line.split(":");
    if (group === name && /^\d{1,10}$/.test(gid)) return Number(gid);
  }
  return undefined;
}
