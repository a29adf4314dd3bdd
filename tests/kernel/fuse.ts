// Serves folders and files by the kernel's FUSE protocol, one request at a time, nothing cached. Source: include/uapi/linux/fuse.h.

import { readSync, writeSync } from "node:fs";
import { ERRNO, Errno, Hangs } from "./errno.ts";

/** What is served. Paths start without a slash; "" is the root. */
export interface Served {
  /** Permissions of the file, or where the link leads; undefined for a folder and for what is not there. */
  look(path: string): { readonly mode: number } | { readonly link: string } | undefined;
  /** Names in a folder; undefined when it is none. */
  names(path: string): readonly string[] | undefined;
  /** Both throw Errno, or Hangs: then the asker waits in the kernel, where nothing ends it, until release(). */
  read(path: string): string;
  write(path: string, text: string): void;
}

const OP = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  CREATE: 35,
  INTERRUPT: 36,
  BATCH_FORGET: 42,
} as const;

/** Bytes before a request's own, and before an answer's. */
const IN_HEADER = 40;
const OUT_HEADER = 16;
const ROOT_ID = 1n;
const [S_IFDIR, S_IFREG, S_IFLNK] = [0o040000, 0o100000, 0o120000];
/** A file of /sys says that it has 4096 bytes, whatever it gives. */
const PAGE = 4096;
const ATOMIC_O_TRUNC = 1 << 3;
const DIRECT_IO = 1;
const O_ACCMODE = 3;

/** What is asked, by the numbers that it has. */
interface Request {
  readonly unique: bigint;
  readonly op: number;
  readonly id: bigint;
  readonly body: Buffer;
}

/** A connection; `serve()` answers one request of `fd`, an open /dev/fuse. */
export class FuseServer {
  private readonly fd: number;
  private readonly served: Served;
  private readonly paths = new Map<bigint, string>([[ROOT_ID, ""]]);
  private readonly ids = new Map<string, bigint>([["", ROOT_ID]]);
  /** What was read at offset 0 of an open file: the rest of one reading comes of the same text, as in seq_file. */
  private readonly open = new Map<bigint, { path: string; text: Buffer }>();
  private readonly hanging: Request[] = [];
  private handles = 0n;
  private readonly request = Buffer.alloc(64 * 1024 + PAGE);

  constructor(fd: number, served: Served) {
    this.fd = fd;
    this.served = served;
  }

  /** Returns false once the file system is unmounted. */
  serve(): boolean {
    let bytes: number;
    try {
      bytes = readSync(this.fd, this.request);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      return code === "EINTR" || code === "EAGAIN" || code === "ENOENT";
    }
    if (bytes < IN_HEADER) return false;
    const op = this.request.readUInt32LE(4);
    const unique = this.request.readBigUInt64LE(8);
    const id = this.request.readBigUInt64LE(16);
    const body = this.request.subarray(IN_HEADER, bytes);
    if (op === OP.FORGET || op === OP.BATCH_FORGET || op === OP.INTERRUPT) return true;
    this.serveOne({ unique, op, id, body });
    return true;
  }

  /** How many calls hang: their askers can't be ended any more. */
  get hangs(): number {
    return this.hanging.length;
  }

  /** Tries again what hangs: what hangs no more is answered. */
  release(): void {
    for (const request of this.hanging.splice(0)) this.serveOne(request);
  }

  private serveOne(request: Request): void {
    const { unique, op, id, body } = request;
    try {
      this.reply(unique, 0, this.answer(op, this.paths.get(id) ?? "", body));
    } catch (cause) {
      if (cause instanceof Hangs) this.hanging.push({ ...request, body: Buffer.from(body) });
      else if (cause instanceof Errno) this.reply(unique, ERRNO[cause.code], Buffer.alloc(0));
      else throw cause;
    }
  }

  private reply(unique: bigint, errno: number, body: Buffer): void {
    const header = Buffer.alloc(OUT_HEADER);
    header.writeUInt32LE(OUT_HEADER + body.length, 0);
    header.writeInt32LE(-errno, 4);
    header.writeBigUInt64LE(unique, 8);
    try {
      writeSync(this.fd, Buffer.concat([header, body]));
    } catch (cause) {
      // The asker was interrupted and has gone.
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    }
  }

  private answer(op: number, path: string, body: Buffer): Buffer {
    switch (op) {
      case OP.INIT:
        return initAnswer(body);
      case OP.LOOKUP:
        return this.lookup(path, body);
      case OP.GETATTR:
      case OP.SETATTR:
        return Buffer.concat([Buffer.alloc(16), this.attributes(path)]);
      case OP.READLINK:
        return this.readlink(path);
      case OP.OPEN:
        return this.opened(path, body.readUInt32LE(0) & O_ACCMODE);
      case OP.READ:
        return this.read(body);
      case OP.WRITE:
        return this.write(body);
      case OP.OPENDIR:
        return Buffer.alloc(16);
      case OP.READDIR:
        return this.listing(path, body);
      case OP.RELEASE:
        this.open.delete(body.readBigUInt64LE(0));
        return Buffer.alloc(0);
      case OP.RELEASEDIR:
      case OP.FLUSH:
      case OP.FSYNC:
        return Buffer.alloc(0);
      case OP.STATFS:
        return Buffer.alloc(80);
      case OP.CREATE:
        throw new Errno("EACCES");
      default:
        throw new Errno("ENOSYS");
    }
  }

  private lookup(parent: string, body: Buffer): Buffer {
    const name = body.toString("utf8", 0, body.indexOf(0));
    const path = parent === "" ? name : `${parent}/${name}`;
    const attributes = this.attributes(path);
    const entry = Buffer.alloc(40);
    entry.writeBigUInt64LE(this.idOf(path), 0);
    return Buffer.concat([entry, attributes]);
  }

  private idOf(path: string): bigint {
    let id = this.ids.get(path);
    if (id === undefined) {
      id = ROOT_ID + BigInt(this.ids.size);
      this.ids.set(path, id);
      this.paths.set(id, path);
    }
    return id;
  }

  /** struct fuse_attr */
  private attributes(path: string): Buffer {
    const entry = this.served.look(path);
    if (!entry && !this.served.names(path)) throw new Errno("ENOENT");
    const attributes = Buffer.alloc(88);
    attributes.writeBigUInt64LE(this.idOf(path), 0);
    let mode = S_IFDIR | 0o755;
    if (entry) mode = "link" in entry ? S_IFLNK | 0o777 : S_IFREG | entry.mode;
    attributes.writeBigUInt64LE(BigInt(entry ? PAGE : 0), 8);
    attributes.writeUInt32LE(mode, 60);
    attributes.writeUInt32LE(entry ? 1 : 2, 64);
    attributes.writeUInt32LE(PAGE, 80);
    return attributes;
  }

  private readlink(path: string): Buffer {
    const entry = this.served.look(path);
    if (!entry || !("link" in entry)) throw new Errno("EINVAL");
    return Buffer.from(entry.link);
  }

  /** Root too may only read what can be read and write what can be written. Source: kernfs_fop_open(), fs/kernfs/file.c. */
  private opened(path: string, access: number): Buffer {
    const entry = this.served.look(path);
    if (!entry || "link" in entry) throw new Errno("ENOENT");
    if (access !== 0 && !(entry.mode & 0o222)) throw new Errno("EACCES");
    if (access !== 1 && !(entry.mode & 0o444)) throw new Errno("EACCES");
    const answer = Buffer.alloc(16);
    this.handles++;
    this.open.set(this.handles, { path, text: Buffer.alloc(0) });
    answer.writeBigUInt64LE(this.handles, 0);
    answer.writeUInt32LE(DIRECT_IO, 8);
    return answer;
  }

  private read(body: Buffer): Buffer {
    const file = this.file(body);
    const offset = Number(body.readBigUInt64LE(8));
    if (offset === 0) file.text = Buffer.from(this.served.read(file.path));
    return file.text.subarray(offset, offset + body.readUInt32LE(16));
  }

  private write(body: Buffer): Buffer {
    const size = body.readUInt32LE(16);
    this.served.write(this.file(body).path, body.toString("utf8", 40, 40 + size));
    const answer = Buffer.alloc(8);
    answer.writeUInt32LE(size, 0);
    return answer;
  }

  private file(body: Buffer): { path: string; text: Buffer } {
    const file = this.open.get(body.readBigUInt64LE(0));
    if (!file) throw new Errno("ENODEV");
    return file;
  }

  /** Entries from the one that is asked for, as many as fit: struct fuse_dirent. */
  private listing(path: string, body: Buffer): Buffer {
    const names = [".", "..", ...(this.served.names(path) ?? [])];
    const room = body.readUInt32LE(16);
    const parts: Buffer[] = [];
    let used = 0;
    for (let at = Number(body.readBigUInt64LE(8)); at < names.length; at++) {
      const name = Buffer.from(names[at] ?? "");
      const entry = Buffer.alloc(Math.ceil((24 + name.length) / 8) * 8);
      used += entry.length;
      if (used > room) break;
      const full = path === "" ? `${name}` : `${path}/${name}`;
      const found = at < 2 ? undefined : this.served.look(full);
      const mode = !found ? S_IFDIR : "link" in found ? S_IFLNK : S_IFREG;
      entry.writeBigUInt64LE(at < 2 ? ROOT_ID : this.idOf(full), 0);
      entry.writeBigUInt64LE(BigInt(at + 1), 8);
      entry.writeUInt32LE(name.length, 16);
      entry.writeUInt32LE(mode >> 12, 20);
      name.copy(entry, 24);
      parts.push(entry);
    }
    return Buffer.concat(parts);
  }
}

/** struct fuse_init_out, version 7.31; opening with O_TRUNC says nothing of a size. */
function initAnswer(body: Buffer): Buffer {
  const answer = Buffer.alloc(64);
  answer.writeUInt32LE(7, 0);
  answer.writeUInt32LE(31, 4);
  answer.writeUInt32LE(body.readUInt32LE(8), 8);
  answer.writeUInt32LE(ATOMIC_O_TRUNC, 12);
  answer.writeUInt16LE(16, 16);
  answer.writeUInt16LE(12, 18);
  answer.writeUInt32LE(PAGE, 20);
  answer.writeUInt32LE(1, 24);
  return answer;
}
