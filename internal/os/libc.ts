// Every call of the C library that Bun does not offer: the only place of bun:ffi, which is experimental.

import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";
import { readFileSync, readlinkSync } from "node:fs";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { MAX_SOCKET_PATH } from "./unix-socket.ts";

const { i32, i64, u32, u64, ptr: pointer } = FFIType;
const SYMBOLS = {
  __errno_location: { args: [], returns: pointer },
  syscall: { args: [i64, pointer, i64, i64, i64, u64], returns: i64 },
  getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
  sched_getaffinity: { args: [i32, u64, pointer], returns: i32 },
  sched_setaffinity: { args: [i32, u64, pointer], returns: i32 },
  clock_gettime: { args: [i32, pointer], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  connect: { args: [i32, pointer, u32], returns: i32 },
  send: { args: [i32, pointer, u64, i32], returns: i64 },
  sendto: { args: [i32, pointer, u64, i32, pointer, u32], returns: i64 },
  recv: { args: [i32, pointer, u64, i32], returns: i64 },
  close: { args: [i32], returns: i32 },
  shutdown: { args: [i32, i32], returns: i32 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  madvise: { args: [u64, u64, i32], returns: i32 },
} as const;

/** Source: linux/socket.h, asm-generic/socket.h, asm-generic/fcntl.h, linux/time.h, asm-generic/errno-base.h, mman-common.h. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const CLOCK_MONOTONIC = 1;
const EAGAIN = 11;
const SHUT_RDWR = 2;
/** Source: linux/prctl.h. */
const PR_SET_PTRACER = 0x59616d61;
const PR_SET_PTRACER_ANY = 0xffff_ffff_ffff_ffffn;
/** The same on every architecture since 5.1. Source: asm-generic/unistd.h. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
const MADV_DONTNEED = 4;

type Libc = ReturnType<typeof load>;
let opened: Libc | undefined;

/** Returns why bun:ffi does not work here; undefined when it does. Where it does not, functions of this file throw unless they say else. */
export function libcProblem(): string | undefined {
  try {
    libc();
    return undefined;
  } catch (cause) {
    return String(cause);
  }
}

/** Who is at the other end of a unix socket. */
interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Returns the credentials of the process at the other end of the connected unix socket `fd`. Errors: a sentence, never thrown. Source: unix(7), SO_PEERCRED. */
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
 * Pins the thread `tid` to `cpus`. Errors: a sentence, never thrown. Source: sched_setaffinity(2).
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
    return rc === 0 ? DONE : err(`Cannot pin thread ${tid} to CPUs ${cpus.join(",")}`);
  } catch (cause) {
    return err(`Cannot pin thread ${tid}: ${String(cause)}`);
  }
}

/** Returns the time of CLOCK_MONOTONIC in microseconds, which Bun's own clocks don't tell. Source: clock_gettime(2). */
export function monotonicUsec(): bigint {
  const timespec = new BigInt64Array(2);
  libc().clock_gettime(CLOCK_MONOTONIC, ptr(timespec));
  return (timespec[0] ?? 0n) * 1_000_000n + (timespec[1] ?? 0n) / 1000n;
}

/**
 * Sends `text` as one datagram, without ever waiting. Errors: a sentence, when nobody listens or has room.
 * @param address a path, or "@" and a name in the abstract namespace. Source: unix(7), sd_notify(3)
 */
export function sendDatagram(address: string, text: string): Result<void, string> {
  const sockaddr = unixAddress(address);
  if (!sockaddr.ok) return sockaddr;
  const bytes = Buffer.from(text);
  const { socket, sendto, close } = libc();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return err(`Cannot make a datagram socket for ${address}`);
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const { value } = sockaddr;
  const sent = sendto(fd, ptr(bytes), BigInt(bytes.length), flags, ptr(value), value.length);
  close(fd);
  return Number(sent) === bytes.length ? DONE : err(`Cannot send a datagram to ${address}`);
}

/** A connected SOCK_SEQPACKET socket that never waits: messages keep their bounds. Source: unix(7). */
export class SeqpacketSocket {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Returns the connection to the socket at `path`; undefined when nobody listens there or has room. */
  static connect(path: string): SeqpacketSocket | undefined {
    const address = unixAddress(path);
    if (!address.ok) return undefined;
    const { socket, connect, close } = libc();
    const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return undefined;
    if (connect(fd, ptr(address.value), address.value.length) === 0) return new SeqpacketSocket(fd);
    close(fd);
    return undefined;
  }

  /** Sends `bytes` as one message, or not at all when there is no room. */
  send(bytes: Uint8Array): void {
    libc().send(this.#fd, ptr(bytes), BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  /** Reads one message into `buffer`, whose size cuts it. Returns its bytes; "nothing" when none is there, "gone" when the other side went. */
  receive(buffer: Uint8Array): number | "nothing" | "gone" {
    const count = Number(libc().recv(this.#fd, ptr(buffer), BigInt(buffer.length), MSG_DONTWAIT));
    if (count > 0) return count;
    return count < 0 && errno() === EAGAIN ? "nothing" : "gone";
  }

  close(): void {
    libc().close(this.#fd);
  }
}

/**
 * Makes the system call `number`, whose first argument is the address of `bytes`. Returns what it returns, or the errno below zero.
 * Source: syscall(2).
 * @param rest its second to fourth argument, then its fifth, which has no sign
 */
export function systemCall(
  number: number,
  bytes: Uint8Array,
  ...rest: readonly [second: number, third: number, fourth: number, fifth: number]
): number {
  const [second, third, fourth, fifth] = rest;
  const answer = Number(libc().syscall(number, ptr(bytes), second, third, fourth, BigInt(fifth)));
  return answer < 0 ? -errno() : answer;
}

/**
 * Lets processes that have the rights for it, root's own with no fewer capabilities, copy this one's descriptors where Yama would ask
 * for a child; without Yama nothing changes. Never throws. Source: prctl(2), PR_SET_PTRACER; Documentation/admin-guide/LSM/Yama.rst.
 */
export function letCopyFds(): void {
  try {
    libc().prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0n, 0n, 0n);
  } catch {
    // bun:ffi does not work here, and copyFd() would not either.
  }
}

/** Opens process `pid` for copyFd(). Errors: ENOSYS and the like. Source: pidfd_open(2). */
export const openPidfd = (pid: number): Result<number, string> => newFd(SYS_PIDFD_OPEN, pid, 0);

/** Returns a descriptor of this process for what process `pidfd` has as `fd`. Errors: EPERM, EBADF. Source: pidfd_getfd(2). */
export const copyFd = (pidfd: number, fd: number): Result<number, string> =>
  newFd(SYS_PIDFD_GETFD, pidfd, fd);

/** Ends the connection of socket `fd` for all who have it; a listening one takes no more. Source: shutdown(2). */
export function shutDown(fd: number): void {
  libc().shutdown(fd, SHUT_RDWR);
}

/** Closes `fd`, which this file opened. */
export function closeFd(fd: number): void {
  libc().close(fd);
}

function newFd(number: number, first: number, second: number): Result<number, string> {
  const fd = Number(libc().syscall(number, first as Pointer, second, 0, 0, 0n));
  return fd >= 0 ? ok(fd) : err(`errno ${errno()}`);
}

/**
 * Takes the code of this executable out of the process's memory: what runs again comes back from the page cache, what ran at the start
 * only does not. Returns the bytes of address space that were let go, 0 where that can't be done. Source: madvise(2), MADV_DONTNEED;
 * proc(5), smaps: pages that were written to, which would lose it, count as Anonymous.
 */
export function dropStartCode(): number {
  let dropped = 0;
  try {
    const executable = readlinkSync("/proc/self/exe");
    const mappings = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
    for (const mapping of mappings) {
      const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ \d+ +(.*)$/m.exec(mapping) ?? [];
      if (path !== executable || !/^Anonymous: +0 kB$/m.test(mapping)) continue;
      const start = BigInt(`0x${from}`);
      const bytes = BigInt(`0x${to}`) - start;
      if (libc().madvise(start, bytes, MADV_DONTNEED) === 0) dropped += Number(bytes);
    }
  } catch {
    // It only saves memory.
  }
  return dropped;
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

function libc(): Libc {
  opened ??= load();
  return opened;
}

function load() {
  return dlopen(libcPath(), SYMBOLS).symbols;
}

/** The errno of the call before. Source: errno(3). */
function errno(): number {
  return read.i32(libc().__errno_location() as Pointer);
}

/** Returns `address` as struct sockaddr_un: a path ends with a NUL; an abstract name starts with one and ends with the address. */
function unixAddress(address: string): Result<Uint8Array, string> {
  const isAbstract = address.startsWith("@");
  const bytes = Buffer.from(isAbstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (bytes.length > MAX_SOCKET_PATH + 1) return err(`The socket's name ${address} is too long`);
  return ok(new Uint8Array([AF_UNIX, 0, ...bytes]));
}
