// A packet counter that stays open from sample to sample.

import { closeSync, openSync, readSync } from "node:fs";
import { err, ok, type Result } from "../../values/result.ts";
import { notUnderstood, type SysfsError, sysfsError } from "../../values/sysfs-error.ts";

/** Room for a 64-bit number and its newline. */
const BYTES = 32;
const ZERO = 48;

/** One file of /sys/class/net/NAME/statistics, read at most once a second by each policy. */
export class PacketCounter {
  readonly path: string;
  readonly #buffer = Buffer.alloc(BYTES);
  #fd: number | undefined;

  /** @param path of rx_packets or tx_packets */
  constructor(path: string) {
    this.path = path;
  }

  /** Returns the packets counted since the interface exists. Errors: ENOENT and ENODEV once the interface is gone, EINVAL for other text. */
  read(): Result<number, SysfsError> {
    let length: number;
    try {
      this.#fd ??= openSync(this.path, "r");
      length = readSync(this.#fd, this.#buffer, 0, BYTES, 0);
    } catch (thrown) {
      this.close();
      return err(sysfsError("read", this.path, thrown));
    }
    let packets = 0;
    let digits = 0;
    for (; digits < length; digits++) {
      const digit = (this.#buffer[digits] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      packets = packets * 10 + digit;
    }
    if (digits === 0)
      return err(notUnderstood(this.path, this.#buffer.toString("utf8", 0, length).trimEnd()));
    return ok(packets);
  }

  /** Gives the file back; the next read opens it anew. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
