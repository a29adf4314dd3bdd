// The system calls that a file system of our own needs and Bun does not offer.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, existsSync, mkdtempSync, openSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";

const { symbols } = dlopen("libc.so.6", {
  mount: { args: [FFIType.ptr, FFIType.ptr, FFIType.ptr, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
  umount2: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
  poll: { args: [FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
});

/** Source: sys/mount.h, poll.h. */
const [MS_NOSUID, MS_NODEV, MNT_DETACH] = [2n, 4n, 2];
const POLLIN = 1;

/** Mounts a FUSE file system at `folder` and returns its connection; undefined when the kernel won't. Root only. */
export function mountFuse(folder: string): number | undefined {
  const fd = openSync("/dev/fuse", "r+");
  const options = `fd=${fd},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions`;
  const [source, target, type, data] = ["powermon", folder, "fuse.powermon", options].map((text) =>
    Buffer.from(`${text}\0`),
  );
  const mounted = symbols.mount(ptr(source!), ptr(target!), ptr(type!), MS_NOSUID | MS_NODEV, ptr(data!));
  if (mounted === 0) return fd;
  closeSync(fd);
  return undefined;
}

/** Takes what is mounted at `folder` away, in use or not; nothing happens when nothing is. */
export function unmount(folder: string): void {
  symbols.umount2(ptr(Buffer.from(`${folder}\0`)), MNT_DETACH);
}

/** Waits until one of `fds` has something to read or is closed; returns those. */
export function readable(fds: readonly number[]): number[] {
  const entries = Buffer.alloc(8 * fds.length);
  for (const [index, fd] of fds.entries()) {
    entries.writeInt32LE(fd, 8 * index);
    entries.writeInt16LE(POLLIN, 8 * index + 4);
  }
  symbols.poll(ptr(entries), BigInt(fds.length), -1);
  return fds.filter((_, index) => entries.readInt16LE(8 * index + 6) !== 0);
}

let possible: boolean | undefined;

/** Whether this process may mount one: tried once. */
export function canMountFuse(): boolean {
  possible ??= tryMount();
  return possible;
}

function tryMount(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/dev/fuse")) return false;
  const folder = mkdtempSync(`${tmpdir()}/powermon-fuse-`);
  const fd = mountFuse(folder);
  if (fd !== undefined) {
    unmount(folder);
    closeSync(fd);
  }
  rmdirSync(folder);
  return fd !== undefined;
}
