// Connections that a killed process still has, because a call of its hangs in the kernel: its peers would wait for it as long as it does.

import { readdirSync, readlinkSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";
import { codeOf } from "./error-code.ts";
import { closeFd, copyFd, openPidfd, shutDown } from "./libc.ts";
import { isBeingKilled } from "./process.ts";

/**
 * Ends every connection that process `pid` made, listening sockets too, as its end would: their peers see them closed. Does nothing unless the
 * process has been killed and hangs on. Returns how many there were. Errors: a sentence, as where the kernel is older than 5.6 or its
 * Yama lets nobody in. Source: pidfd_getfd(2), shutdown(2).
 */
export function endSocketsOf(pid: number): Result<number, string> {
  if (!isBeingKilled(pid)) return ok(0);
  const failed = (why: string) => err(`Cannot end the connections of process ${pid}: ${why}`);
  try {
    const links = new Map(readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, linkOf(`/proc/${pid}/fd/${fd}`)]));
    // Others may write to what it was given: a terminal's session, systemd's journal.
    const given = STANDARD.map((fd) => links.get(fd));
    const sockets = [...links].flatMap(([fd, link]) =>
      link.startsWith("socket:") && !given.includes(link) ? [fd] : [],
    );
    if (sockets.length === 0) return ok(0);
    const process = openPidfd(pid);
    if (!process.ok) return failed(process.error);
    try {
      for (const number of sockets) {
        const fd = copyFd(process.value, Number(number));
        if (!fd.ok) return failed(fd.error);
        shutDown(fd.value);
        closeFd(fd.value);
      }
    } finally {
      closeFd(process.value);
    }
    return ok(sockets.length);
  } catch (thrown) {
    return failed(codeOf(thrown));
  }
}

const STANDARD = ["0", "1", "2"];

/** Returns what an open file is, such as socket:[4711]; empty when it has just been closed. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
