// The few libc calls that Bun does not offer; kept in one file because bun:ffi is experimental.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";

/** Source: /usr/include/asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

const SYMBOLS = {
  getsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
    returns: FFIType.i32,
  },
  sched_getaffinity: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
  sched_setaffinity: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
} as const;

type Libc = ReturnType<typeof load>;
let opened: Libc | undefined;

/** Who is at the other end of a unix socket. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Returns the credentials of the process at the other end of the connected unix socket `fd`. Source: unix(7), SO_PEERCRED. */
export function peerCredentials(fd: number): Result<PeerCredentials, string> {
  const ucred = new Int32Array(3);
  const length = new Uint32Array([12]);
  try {
    const rc = libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ptr(ucred), ptr(length));
    const [pid = 0, uid = 0, gid = 0] = ucred;
    return rc === 0 && pid > 0 ? ok({ pid, uid, gid }) : err("Cannot read the socket's peer credentials");
  } catch (cause) {
    return err(`Cannot read the socket's peer credentials: ${String(cause)}`);
  }
}

/** CPUs in an affinity mask. */
const MASK_BYTES = 1024;
const mask = new Uint8Array(MASK_BYTES);

/**
 * Returns the CPUs that thread `tid` may run on, ascending; undefined when it is gone or can't be asked. About 1 us, where
 * reading /proc takes 20. Source: sched_getaffinity(2).
 */
export function readAffinity(tid: number): number[] | undefined {
  let bytes: number;
  try {
    bytes = libc().sched_getaffinity(tid, BigInt(MASK_BYTES), ptr(mask));
  } catch {
    return undefined;
  }
  if (bytes < 0) return undefined;
  const cpus: number[] = [];
  // glibc answers 0 and clears the rest; the bare call answers how many bytes it wrote.
  for (let byte = 0; byte < (bytes || MASK_BYTES); byte++) {
    const bits = mask[byte] ?? 0;
    for (let bit = 0; bits >> bit !== 0; bit++) if ((bits >> bit) & 1) cpus.push(byte * 8 + bit);
  }
  return cpus;
}

/**
 * Pins the thread `tid` to `cpus`. Source: sched_setaffinity(2).
 * @param cpus logical CPUs, 0 to 8191
 */
export function setAffinity(tid: number, cpus: readonly number[]): Result<void, string> {
  const wanted = new Uint8Array(MASK_BYTES);
  for (const cpu of cpus) {
    if (!(cpu >= 0 && cpu < wanted.length * 8))
      return err(`Cannot pin thread ${tid}: there is no CPU ${cpu}`);
    wanted[cpu >> 3] = (wanted[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  }
  try {
    const rc = libc().sched_setaffinity(tid, BigInt(MASK_BYTES), ptr(wanted));
    return rc === 0 ? ok(undefined) : err(`Cannot pin thread ${tid} to CPUs ${cpus.join(",")}`);
  } catch (cause) {
    return err(`Cannot pin thread ${tid}: ${String(cause)}`);
  }
}

/** Returns why bun:ffi does not work here, as where no memory may be made executable; undefined where it works. */
export function ffiProblem(): string | undefined {
  try {
    libc();
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

function libc(): Libc {
  opened ??= load();
  return opened;
}

function load() {
  return dlopen(libcPath(), SYMBOLS).symbols;
}

/** Returns the whole path of the libc this process runs on, so that nothing is ever looked up in the working directory. */
export function libcPath(): string {
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const path = line.slice(line.indexOf("/"));
    if (/\/(libc\.so\.6|libc-2\.\d+\.so|ld-musl-[\w-]+\.so\.1|libc\.musl-[\w-]+\.so\.1)$/.test(path))
      return path;
  }
  throw new Error("Cannot find this process's libc in /proc/self/maps");
}
