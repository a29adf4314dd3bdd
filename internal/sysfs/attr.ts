// One kernel attribute, one system call: open flags, first lines and errno handling.

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { notUnderstood, type SysfsError, sysfsError } from "../values/sysfs-error.ts";
import { marker, refuseCall } from "./calls.ts";

/** A folder of attributes, such as /sys/devices/system/cpu/cpufreq/policy0. */
export class AttrDir {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Returns the first line of attribute `name` without trailing blanks, or undefined when there is no such file. Errors: EACCES, EBUSY (CPU offline), EISDIR. */
  read(name: string): Result<string | undefined, SysfsError> {
    const text = readText(`${this.path}/${name}`);
    if (!text.ok || text.value === undefined) return text;
    return ok((text.value.split("\n", 1)[0] ?? "").trimEnd());
  }

  /** Returns attribute `name` as a whole number from 0 up, or undefined when there is no such file. Errors: as read(), EINVAL for other text. */
  readNumber(name: string): Result<number | undefined, SysfsError> {
    const line = this.read(name);
    if (!line.ok || line.value === undefined) return line as Result<undefined, SysfsError>;
    return parseNumber(`${this.path}/${name}`, line.value);
  }

  /** Returns the first line of attribute `name`, which must be there. Errors: as read(), ENOENT. */
  must(name: string): Result<string, SysfsError> {
    const line = this.read(name);
    if (!line.ok || line.value !== undefined) return line as Result<string, SysfsError>;
    return err(absent(`${this.path}/${name}`));
  }

  /** Returns the first line of attribute `name`; undefined when it is not there or can't be read now. */
  peek(name: string): string | undefined {
    const line = this.read(name);
    return line.ok ? line.value : undefined;
  }

  /** Returns attribute `name` as a whole number from 0 up; undefined when it is not there, can't be read now or is none. */
  peekNumber(name: string): number | undefined {
    const value = this.readNumber(name);
    return value.ok ? value.value : undefined;
  }

  /** Writes `text` and a newline to attribute `name`, which must exist. Errors: whatever the kernel answers. */
  write(name: string, text: string): Result<void, SysfsError> {
    const writer = this.open(name);
    const done = writer.write(attrBytes(text));
    writer.close();
    return done;
  }

  /** Returns a handle that keeps attribute `name` open for writing from its first write on. */
  open(name: string): AttrWriter {
    return new AttrWriter(`${this.path}/${name}`);
  }
}

/** Returns the error for a file that must be there and isn't. */
export const absent = (path: string): SysfsError => ({ kind: "sysfs", op: "read", path, code: "ENOENT" });

/** Returns the whole text of the file at `path`; undefined when there is none. Errors: EACCES, EISDIR, LEFT_ALONE. */
export function readText(path: string): Result<string | undefined, SysfsError> {
  const refused = refuseCall("read", path);
  if (refused !== undefined) return err(refused);
  marker.begin(path);
  try {
    return ok(readFileSync(path, "utf8"));
  } catch (thrown) {
    const error = sysfsError("read", path, thrown);
    return error.code === "ENOENT" ? ok(undefined) : err(error);
  } finally {
    marker.end();
  }
}

/** Returns `text` as an attribute takes it. The newline ends it even over a longer old value in a regular file. */
export const attrBytes = (text: string): Buffer => Buffer.from(`${text}\n`);

/** An attribute that stays open for writing: 1.2 us a write instead of 8.5 us. */
export class AttrWriter {
  readonly path: string;
  #fd: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Writes `bytes` (see attrBytes) at offset 0 in one call. ENODEV and ENOENT mean that the file went away, as in CPU
   * hotplug, and perhaps came back: it is reopened once. Source: fs/kernfs/file.c, kernfs_fop_write_iter (ENODEV).
   */
  write(bytes: Buffer): Result<void, SysfsError> {
    const kept = this.#fd !== undefined;
    const first = this.#writeOnce(bytes);
    if (first.ok || !kept || (first.error.code !== "ENODEV" && first.error.code !== "ENOENT")) return first;
    this.close();
    return this.#writeOnce(bytes);
  }

  /** Gives the file back; the next write opens it anew. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #writeOnce(bytes: Buffer): Result<void, SysfsError> {
    const refused = refuseCall("write", this.path);
    if (refused !== undefined) return err({ ...refused, value: bytes.toString().trimEnd() });
    marker.begin(this.path);
    try {
      return this.#writeMarked(bytes);
    } finally {
      marker.end();
    }
  }

  #writeMarked(bytes: Buffer): Result<void, SysfsError> {
    try {
      this.#fd ??= openSync(this.path, constants.O_WRONLY);
    } catch (thrown) {
      return err(sysfsError("open", this.path, thrown, bytes.toString().trimEnd()));
    }
    try {
      if (writeSync(this.#fd, bytes, 0, bytes.length, 0) === bytes.length) return DONE;
      // The kernel takes a value whole or not at all; a file of a disk that is full takes a part.
      const value = bytes.toString().trimEnd();
      return err({ kind: "sysfs", op: "write", path: this.path, code: "EIO", value });
    } catch (thrown) {
      return err(sysfsError("write", this.path, thrown, bytes.toString().trimEnd()));
    }
  }
}

/** Returns the number that the attribute at `path` shows. Errors: what it shows is none. */
export function parseNumber(path: string, line: string): Result<number, SysfsError> {
  return /^\d{1,15}$/.test(line) ? ok(Number(line)) : err(notUnderstood(path, line));
}
