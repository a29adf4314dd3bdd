// The whole machine's latency limit: it lasts only while a file stays open, so somebody who stays must hold it.

import { closeSync, openSync, writeSync } from "node:fs";
import { DONE, err, type Result } from "../../values/result.ts";
import { type SysfsError, sysfsError } from "../../values/sysfs-error.ts";

/** Source: Documentation/power/pm_qos_interface.rst, user space interface. */
const DMA_LATENCY = "/dev/cpu_dma_latency";

/** A limit that can be held, changed and let go; the kernel drops it with the process too. */
export class DmaLatency {
  readonly #path: string;
  #fd: number | undefined;
  #limitUs: number | undefined;

  constructor(path = DMA_LATENCY) {
    this.#path = path;
  }

  /** Microseconds held now; undefined for none. */
  get limitUs(): number | undefined {
    return this.#limitUs;
  }

  /** Holds `us` microseconds from now on, or nothing when undefined. Errors: ENOENT, EACCES. */
  hold(us: number | undefined): Result<void, SysfsError> {
    if (us === undefined) {
      if (this.#fd !== undefined) closeSync(this.#fd);
      this.#fd = this.#limitUs = undefined;
      return DONE;
    }
    const value = new Int32Array([us]);
    try {
      this.#fd ??= openSync(this.#path, "r+");
      // Four bytes in the machine's order are taken as the number itself.
      if (writeSync(this.#fd, new Uint8Array(value.buffer), 0, 4, 0) !== 4)
        return err({ kind: "sysfs", op: "write", path: this.#path, code: "EIO", value: `${us}` });
      this.#limitUs = us;
      return DONE;
    } catch (thrown) {
      return err(sysfsError("write", this.#path, thrown, `${us}`));
    }
  }
}
