// A virtio-serial character device as a port: a read of 0 is not its end, and a write never blocks.

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { errorCode } from "../os/error-code.ts";
import { fileKind, type GuestFailure } from "./failure.ts";
import { holderOf } from "./holder.ts";
import type { Port } from "./port.ts";

/** How often a waiting read looks again, in ms: the fd can't be waited for without a thread of its own. */
const POLL_MS = 1;

/**
 * Opens the device `path`. Errors: no-port, not-a-port, busy, open-failed.
 * Source: Linux drivers/char, virtio_console, port_fops_*(): one opener at a time (EBUSY); without a host peer read gives 0 and write EAGAIN.
 */
export function openDevice(path: string): Result<DevicePort, GuestFailure> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    return err(openFailure(path, errorCode(error)));
  }
  const stats = fstatSync(fd);
  if (!stats.isCharacterDevice()) {
    closeSync(fd);
    return err({ kind: "not-a-port", port: path, what: fileKind(stats) });
  }
  return ok(new DevicePort(path, fd));
}

/** The device of a port, open. */
export class DevicePort implements Port {
  readonly name: string;
  readonly heals = true;
  readonly fd: number;
  readonly #buffer = new Uint8Array(4096);

  constructor(name: string, fd: number) {
    this.name = name;
    this.fd = fd;
  }

  /** @param hostIsThere asked after a write that found no room */
  write(frame: Uint8Array, hostIsThere = () => this.#hostIsThere()): Result<void, GuestFailure> {
    try {
      const written = writeSync(this.fd, frame, 0, frame.length);
      if (written === frame.length) return DONE;
      return err({ kind: "write-failed", port: this.name, code: "short write", written });
    } catch (error) {
      const code = errorCode(error);
      if (code === "EAGAIN" && !hostIsThere()) return err({ kind: "absent-host", port: this.name });
      return err({ kind: "write-failed", port: this.name, code, written: 0 });
    }
  }

  read(): Result<Uint8Array, GuestFailure> {
    try {
      const count = readSync(this.fd, this.#buffer, 0, this.#buffer.length, null);
      return count === 0 ? err({ kind: "absent-host", port: this.name }) : ok(this.#buffer.slice(0, count));
    } catch (error) {
      const code = errorCode(error);
      return code === "EAGAIN" ? ok(NOTHING) : err({ kind: "read-failed", port: this.name, code });
    }
  }

  async wait(ms: number): Promise<void> {
    await Bun.sleep(Math.min(ms, POLL_MS));
  }

  /** A wait here is too short to end early. */
  interrupt(): void {}

  close(): void {
    closeSync(this.fd);
  }

  /** After a write that found no room: what there is to read doesn't matter any more, only whether read says 0. */
  #hostIsThere(): boolean {
    const answer = this.read();
    return answer.ok || answer.error.kind !== "absent-host";
  }
}

const NOTHING = new Uint8Array(0);

function openFailure(path: string, code: string): GuestFailure {
  switch (code) {
    case "ENOENT":
    case "ENODEV":
    case "ENOTDIR":
      return { kind: "no-port", port: path };
    case "EBUSY":
      return { kind: "busy", port: path, holder: holderOf(path) };
    case "EISDIR":
      return { kind: "not-a-port", port: path, what: "a folder" };
    case "ENXIO":
      return { kind: "not-a-port", port: path, what: "a socket" };
    default:
      return { kind: "open-failed", port: path, code };
  }
}
