// DPDK programs' telemetry: SOCK_SEQPACKET sockets, which Bun does not offer; kept in one file because bun:ffi is experimental.

import { readdirSync } from "node:fs";
import { dlopen, FFIType, ptr, read } from "bun:ffi";
import type { CpuTimes } from "./cpu-times.ts";
import { parseLcoreUsage, USAGE_COMMAND } from "./cycles.ts";

/** Source: linux/socket.h, asm-generic/fcntl.h. */
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EAGAIN = 11;
/** Room in sun_path. Source: unix(7). */
const SUN_PATH = 108;
/** Longest answer. Source: DPDK lib/telemetry/telemetry.c, MAX_OUTPUT_LEN 16 KiB. */
const MAX_ANSWER = 1 << 15;
/** Name of the socket in a program's runtime folder. Source: DPDK lib/telemetry/telemetry.c. */
const SOCKET_NAME = "dpdk_telemetry.v2";

const SYMBOLS = {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  connect: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  send: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64 },
  recv: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
  __errno_location: { args: [], returns: FFIType.ptr },
} as const;
type Libc = ReturnType<typeof load>;

/** Asks all DPDK programs of this machine, without ever waiting: what is read answers the question before. */
export class Telemetry {
  readonly #dir: string;
  readonly #libc: Libc;
  readonly #sockets = new Map<string, number>();
  readonly #last = new Map<string, ReadonlyMap<number, CpuTimes>>();
  readonly #buffer = new Uint8Array(MAX_ANSWER);
  readonly #command = Buffer.from(USAGE_COMMAND);

  /**
   * @param dir the programs' runtime folders, such as /var/run/dpdk
   * @param libcPath where the C library is
   * Errors: throws where bun:ffi doesn't work.
   */
  constructor(dir: string, libcPath: string) {
    this.#dir = dir;
    this.#libc = load(libcPath);
  }

  /** Returns the cycles by lcore that the programs told last, and asks again. */
  read(): ReadonlyMap<number, CpuTimes> {
    const there = this.#programs();
    for (const path of [...this.#sockets.keys()]) if (!there.includes(path)) this.#close(path);
    const all = new Map<number, CpuTimes>();
    for (const path of there) {
      const fd = this.#sockets.get(path) ?? this.#connect(path);
      if (fd === undefined || !this.#receive(path, fd)) continue;
      this.#libc.send(fd, ptr(this.#command), BigInt(this.#command.length), MSG_DONTWAIT | MSG_NOSIGNAL);
      for (const [lcore, times] of this.#last.get(path) ?? []) all.set(lcore, times);
    }
    return all;
  }

  close(): void {
    for (const path of [...this.#sockets.keys()]) this.#close(path);
  }

  #programs(): readonly string[] {
    try {
      return readdirSync(this.#dir).map((prefix) => `${this.#dir}/${prefix}/${SOCKET_NAME}`);
    } catch {
      return [];
    }
  }

  #connect(path: string): number | undefined {
    const bytes = Buffer.from(path);
    if (bytes.length >= SUN_PATH) return undefined;
    const address = new Uint8Array(2 + bytes.length + 1);
    address[0] = AF_UNIX;
    address.set(bytes, 2);
    const fd = this.#libc.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return undefined;
    if (this.#libc.connect(fd, ptr(address), address.length) !== 0) {
      this.#libc.close(fd);
      return undefined;
    }
    this.#sockets.set(path, fd);
    return fd;
  }

  /** Reads what came; returns false when the program went. The first message is its greeting, which says nothing of cycles. */
  #receive(path: string, fd: number): boolean {
    for (;;) {
      const count = Number(this.#libc.recv(fd, ptr(this.#buffer), BigInt(MAX_ANSWER), MSG_DONTWAIT));
      if (count <= 0) {
        if (count < 0 && this.#errno() === EAGAIN) return true;
        this.#close(path);
        return false;
      }
      const usage = parseLcoreUsage(
        Buffer.from(this.#buffer.buffer, 0, count).toString().replace(/\0+$/, ""),
      );
      if (usage !== undefined) this.#last.set(path, usage);
    }
  }

  #close(path: string): void {
    const fd = this.#sockets.get(path);
    if (fd !== undefined) this.#libc.close(fd);
    this.#sockets.delete(path);
    this.#last.delete(path);
  }

  #errno(): number {
    const at = this.#libc.__errno_location();
    return at === null ? 0 : read.i32(at);
  }
}

function load(path: string) {
  return dlopen(path, SYMBOLS).symbols;
}
