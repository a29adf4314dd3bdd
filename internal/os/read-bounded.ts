// Input that somebody else wrote, read to a bound: a device without an end would take all of the memory.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const CHUNK_BYTES = 1 << 16;

/** Returns the bytes of `path`; undefined when there are more than `most`. It waits for a FIFO's writer. Throws what open and read do. */
export function readBounded(path: string, most: number): Buffer | undefined {
  const fd = openSync(path, "r");
  try {
    return readUpTo(fd, most);
  } finally {
    closeSync(fd);
  }
}

/**
 * Returns the bytes of a file of our own; undefined when there are more than `most`, which are not read. No link is followed, and what
 * stands in its place makes nobody wait. Throws what open and read do, such as ELOOP and EISDIR, and EINVAL for a FIFO or a device.
 */
export function readOwnFile(path: string, most: number): Buffer | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() && !stats.isDirectory())
      throw Object.assign(new Error("no file"), { code: "EINVAL" });
    return stats.isFile() && stats.size > most ? undefined : readUpTo(fd, most);
  } finally {
    closeSync(fd);
  }
}

function readUpTo(fd: number, most: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let total = 0; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = readSync(fd, chunk);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
    if ((total += count) > most) return undefined;
  }
}

/** Returns the bytes of `stream` up to its end; undefined, the rest unread, when there are more than `most`. */
export async function readStreamBounded(
  stream: ReadableStream<Uint8Array>,
  most: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    if ((total += chunk.length) > most) return undefined;
  }
  return Buffer.concat(chunks);
}
