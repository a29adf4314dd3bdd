// The two libc calls that telling systemd needs and Bun does not offer; kept in one file because bun:ffi is experimental.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { libcPath } from "./libc.ts";
import { DONE, err, type Result } from "../values/result.ts";

/** Source: linux/socket.h, asm-generic/fcntl.h, linux/time.h. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const CLOCK_MONOTONIC = 1;
/** Room in sun_path. Source: unix(7). */
const SUN_PATH = 108;

const SYMBOLS = {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  sendto: {
    args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i64,
  },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
  clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
} as const;

type Libc = ReturnType<typeof load>;
let opened: Libc | undefined;

/** Whether bun:ffi works here; where it does not, sendDatagram() and monotonicUsec() throw. */
export function hasLibc(): boolean {
  try {
    libc();
    return true;
  } catch {
    return false;
  }
}

/**
 * Sends `text` as one datagram, without ever waiting. Errors: a sentence, when nobody listens or has room.
 * @param address a path, or "@" and a name in the abstract namespace. Source: unix(7), sd_notify(3)
 */
export function sendDatagram(address: string, text: string): Result<void, string> {
  const path = Buffer.from(address);
  // A path ends with a NUL; an abstract name starts with one and ends with the address.
  const isAbstract = address.startsWith("@");
  if (path.length + (isAbstract ? 0 : 1) > SUN_PATH) return err(`The socket's name ${address} is too long`);
  const sockaddr = new Uint8Array(2 + path.length + (isAbstract ? 0 : 1));
  sockaddr[0] = AF_UNIX;
  sockaddr.set(path, 2);
  if (isAbstract) sockaddr[2] = 0;
  const bytes = Buffer.from(text);
  const { socket, sendto, close } = libc();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return err(`Cannot make a datagram socket for ${address}`);
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const sent = sendto(fd, ptr(bytes), BigInt(bytes.length), flags, ptr(sockaddr), sockaddr.length);
  close(fd);
  return Number(sent) === bytes.length ? DONE : err(`Cannot send a datagram to ${address}`);
}

/** Returns the time of CLOCK_MONOTONIC in microseconds, which Bun's own clocks don't tell. Source: clock_gettime(2). */
export function monotonicUsec(): bigint {
  const timespec = new BigInt64Array(2);
  libc().clock_gettime(CLOCK_MONOTONIC, ptr(timespec));
  return (timespec[0] ?? 0n) * 1_000_000n + (timespec[1] ?? 0n) / 1000n;
}

function libc(): Libc {
  opened ??= load();
  return opened;
}

function load() {
  return dlopen(libcPath(), SYMBOLS).symbols;
}
